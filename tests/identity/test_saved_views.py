"""Lists that people keep."""

from __future__ import annotations

import pytest
from flask import Flask

from core.errors import Conflict, Invalid, NotFound
from core.uow import unit_of_work
from identity import saved_views
from tests.identity import world


def _names(username: str) -> list[tuple[str, str | None]]:
    actor = world.actor(username)
    with unit_of_work(write=False):
        return [(view.name, view.owner) for view in saved_views.of_page(actor, "devices")]


@pytest.fixture
def people(app: Flask) -> None:
    world.unit("/总部/电销")
    world.unit("/总部/客服")
    world.person("above", "it_admin", org_unit="/总部")
    world.person("below", "it_admin", org_unit="/总部/电销")
    world.person("beside", "it_admin", org_unit="/总部/客服")


def test_own_views_are_kept_replaced_and_dropped(people: None) -> None:
    above = world.actor("above")
    for query in ("state=lost", "state=active"):
        with unit_of_work():
            saved_views.keep(above, "devices", " 丢失 ", query, shared=False)
    with unit_of_work(write=False):
        (view,) = saved_views.of_page(above, "devices")
        assert saved_views.of_page(above, "commands") == []
    assert (view.name, view.query, view.owner) == ("丢失", "state=active", None)
    assert _names("below") == []
    below = world.actor("below")
    with pytest.raises(NotFound), unit_of_work():
        saved_views.forget(below, view.id)
    with unit_of_work():
        saved_views.forget(above, view.id)
    assert _names("above") == []


def test_shared_views_reach_those_below_and_nobody_else(people: None) -> None:
    above, below = world.actor("above"), world.actor("below")
    with unit_of_work():
        saved_views.keep(above, "devices", "above's", "q=a", shared=True)
    with unit_of_work():
        saved_views.keep(below, "devices", "below's", "q=b", shared=True)
    assert _names("below") == [("below's", None), ("above's", "above")]
    assert _names("above") == [("above's", None)]
    assert _names("beside") == [("above's", "above")]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb", "\u202eevil"])
def test_names_that_cannot_be_shown_are_refused(people: None, name: str) -> None:
    above = world.actor("above")
    with pytest.raises(Invalid), unit_of_work():
        saved_views.keep(above, "devices", name, "", shared=False)


def test_a_person_keeps_so_many_and_no_more(people: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_OWN", 1)
    above = world.actor("above")
    with unit_of_work():
        saved_views.keep(above, "devices", "one", "", shared=False)
    with pytest.raises(Conflict), unit_of_work():
        saved_views.keep(above, "devices", "two", "", shared=False)
