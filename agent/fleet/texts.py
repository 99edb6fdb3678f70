"""Made-up lines as a loan sales or collection employee and a customer might write them."""

from __future__ import annotations

import random
from typing import Final

SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
TITLES: Final = ("先生", "女士", "老板", "经理")

EMPLOYEE: Final = (
    "{name}您好，我是您的专属客户经理小{me}。",
    "您好，您申请的资料已经收到，大约{n}个工作日出结果。",
    "麻烦您把身份证正反面和近{n}个月流水补充一下。",
    "{name}，您这边每月还款{amount}元，分{n}期，请看下合同。",
    "您有空的时候回个电话，我给您说明一下费用明细。",
    "利率以合同约定为准，没有其他费用。",
    "{name}，本期账单{amount}元，{day}号之前还款不影响征信。",
    "好的，我帮您登记，稍后同事会与您联系。",
    "公司地址在{place}，您可以带上资料过来面签。",
    "资料我已经提交审批，有消息第一时间通知您。",
    "提醒您，明天是还款日，请保持账户余额充足。",
    "不好意思打扰了，祝您生活愉快。",
)
CUSTOMER: Final = (
    "好的，知道了。",
    "请问利息怎么算？",
    "我现在在忙，晚点再说。",
    "可以提前还款吗？有没有违约金？",
    "资料发给你了，你看下。",
    "这个月手头有点紧，能不能缓{n}天？",
    "额度能不能再高一点，{amount}不够用。",
    "多久能放款？",
    "已经还了，麻烦查一下。",
    "不需要，谢谢。",
    "你们公司在哪里？",
    "合同条款第{n}条是什么意思？",
)
DOUBTFUL: Final = (
    "加我私人微信聊吧，这个号不方便。",
    "先交{amount}元加急费，当天就能批。",
    "你放心，包过的，不看征信。",
    "再不还就给你通讯录里的人打电话。",
    "服务费打我卡上就行，不走公司账。",
    "我朋友那边能做，比这边批得快。",
    "红包定下来，名额给你留着。",
    "你这种老赖，等着坐牢吧。",
)
PLACES: Final = ("人民路88号", "科技园二期", "解放大道1024号", "国贸大厦B座", "软件新城5号楼")


def name(rng: random.Random) -> str:
    """A name as it stands in a chat list."""
    return rng.choice(SURNAMES) + rng.choice(TITLES)


def number(rng: random.Random) -> str:
    """A mobile number from a range that no operator has given out."""
    return f"+86199{rng.randrange(10**8):08d}"


def line(rng: random.Random, lines: tuple[str, ...], to: str) -> str:
    """One line, its blanks filled in."""
    return rng.choice(lines).format(
        name=to,
        me=rng.choice(SURNAMES),
        n=rng.randrange(2, 13),
        amount=rng.randrange(3, 200) * 100,
        day=rng.randrange(1, 29),
        place=rng.choice(PLACES),
    )
