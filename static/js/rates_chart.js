// The course of rates by class, from the snapshots that were kept; figures come as JSON from `data-rates`.
import * as echarts from "../vendor/echarts/echarts.esm.min.js";

const COLOURS = ["--ad-blue", "--ad-green", "--ad-amber", "--ad-ink-2"];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(course) {
  const ink = colour("--ad-ink-3");
  return {
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    color: COLOURS.map(colour),
    grid: { left: 40, right: 16, top: 34, bottom: 22 },
    legend: { top: 0, textStyle: { color: colour("--ad-ink-2"), fontSize: 12 } },
    tooltip: { trigger: "axis", renderMode: "richText" },
    xAxis: { type: "time", axisLabel: { color: ink, fontSize: 11, formatter: "{MM}-{dd}", hideOverlap: true } },
    yAxis: {
      type: "value",
      scale: true,
      axisLabel: { color: ink, fontSize: 11, formatter: "{value}%" },
      splitLine: { lineStyle: { color: colour("--ad-line") } },
    },
    series: course.series.map(({ name, points }) => ({
      name,
      type: "line",
      data: points,
      symbolSize: 5,
      animation: false,
    })),
  };
}

async function draw(plot) {
  const answer = await fetch(plot.dataset.rates, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const course = await answer.json();
  if (!course.series.length) return;
  const chart = echarts.init(plot, null, { renderer: "canvas" });
  chart.setOption(options(course));
  new ResizeObserver(() => chart.resize()).observe(plot);
}

for (const plot of document.querySelectorAll("[data-rates]")) draw(plot);
