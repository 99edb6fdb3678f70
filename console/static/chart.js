// Charts of the overview. Colours come from the style sheet, so that they follow the theme.
(() => {
  "use strict";

  const drawn = new WeakMap();
  const reading = getComputedStyle(document.documentElement);

  function colour(name) {
    const probe = document.createElement("span");
    probe.className = `chip chip-${name}`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function options(data) {
    const soft = colour("idle");
    const line = { lineStyle: { color: soft, opacity: 0.35 } };
    return {
      animation: false,
      textStyle: { fontFamily: reading.getPropertyValue("--tblr-font-sans-serif") },
      grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 8, textStyle: { color: soft } },
      // Rich text is drawn on the canvas: markup with styles of its own would be refused.
      tooltip: { trigger: "axis", renderMode: "richText" },
      xAxis: { type: "category", boundaryGap: false, data: data.at, axisLabel: { color: soft }, axisLine: line },
      yAxis: { type: "value", minInterval: 1, axisLabel: { color: soft }, splitLine: line },
      series: data.series.map((one) => ({
        name: one.name,
        type: "line",
        stack: "all",
        symbol: "none",
        areaStyle: { opacity: 0.25 },
        itemStyle: { color: colour(one.tone) },
        data: one.values,
      })),
    };
  }

  function draw() {
    for (const place of document.querySelectorAll("[data-chart]")) {
      let chart = drawn.get(place);
      if (!chart) {
        chart = echarts.init(place);
        drawn.set(place, chart);
        new ResizeObserver(() => chart.resize()).observe(place);
      }
      chart.setOption(options(JSON.parse(place.dataset.chart)));
    }
  }

  draw();
  document.addEventListener("htmx:afterSettle", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
})();
