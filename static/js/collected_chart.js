// The chart of collected money: what came in, what time asks for, and where it ends at this pace.
// Figures come as JSON from `data-course`; ECharts draws on a canvas, so that the page's policy stays strict.
import * as echarts from "../vendor/echarts/echarts.esm.min.js";

const TEN_THOUSAND = 10000;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function inTenThousands(amount) {
  return amount === null ? null : Number((amount / TEN_THOUSAND).toFixed(2));
}

function line(name, data, style) {
  return { name, type: "line", showSymbol: false, animation: false, data, ...style };
}

function series(course, words) {
  const past = course.days.map((day, at) => [day, inTenThousands(course.collected[at])]);
  const last = past.at(-1);
  const blue = colour("--ad-blue");
  const lines = [
    line(words.needed, [[course.starts, 0], [course.ends, inTenThousands(course.quota)]], {
      lineStyle: { type: "dashed", width: 1.5, color: colour("--ad-ink-3") },
      endLabel: label(`${words.quota} `, colour("--ad-ink-3"), "bottom"),
    }),
    line(words.collected, past, {
      lineStyle: { width: 2.5, color: blue },
      itemStyle: { color: blue },
      areaStyle: { color: colour("--ad-blue-soft") },
      endLabel: label("", colour("--ad-ink"), "top"),
    }),
  ];
  if (course.expected !== null && last && last[0] < course.ends) {
    lines.push(
      line(words.expected, [last, [course.ends, inTenThousands(course.expected)]], {
        lineStyle: { type: "dotted", width: 1.5, color: blue },
        endLabel: label(`${words.expected} `, blue, "top"),
      }),
    );
  }
  return lines;
}

function label(word, inColour, verticalAlign) {
  return {
    show: true,
    formatter: (point) => word + point.value[1].toFixed(2),
    color: inColour,
    align: "right",
    offset: [-6, verticalAlign === "top" ? -12 : 12],
    fontSize: 11,
  };
}

function options(course, words) {
  const ink = colour("--ad-ink-3");
  return {
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 36, right: 8, top: 22, bottom: 22 },
    tooltip: { trigger: "axis", renderMode: "richText" },
    xAxis: {
      type: "time",
      min: course.starts,
      max: course.ends,
      axisLabel: { color: ink, fontSize: 11, formatter: "{MM}-{dd}", hideOverlap: true },
      axisLine: { lineStyle: { color: colour("--ad-line-strong") } },
      axisTick: { show: false },
      splitNumber: 3,
    },
    yAxis: {
      type: "value",
      axisLabel: { color: ink, fontSize: 11 },
      splitLine: { lineStyle: { color: colour("--ad-line") } },
      splitNumber: 4,
    },
    series: series(course, words),
  };
}

async function draw(plot) {
  const answer = await fetch(plot.dataset.course, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const course = await answer.json();
  if (!course.days.length) return;
  const chart = echarts.init(plot, null, { renderer: "canvas" });
  chart.setOption(options(course, plot.dataset));
  new ResizeObserver(() => chart.resize()).observe(plot);
}

for (const plot of document.querySelectorAll("[data-course]")) draw(plot);
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
