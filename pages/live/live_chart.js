// One DOM node for the whole life of a chart, and Plotly.react for every new figure, so that zoom, hidden curves and hover
// survive an update. Plotly itself is loaded from this server, once per page.

const loading = (globalThis.ganvasPlotly ??= {})

function plotly(url) {
  loading[url] ??= new Promise((done, fail) => {
    const script = document.createElement("script")
    script.src = url
    script.onload = () => done(globalThis.Plotly)
    script.onerror = () => {
      delete loading[url]
      fail(new Error("plotly.js did not load"))
    }
    document.head.append(script)
  })
  return loading[url]
}

function template(host) {
  const style = getComputedStyle(host)
  const theme = name => style.getPropertyValue(`--st-${name}`).trim()
  const line = { gridcolor: theme("border-color"), linecolor: theme("border-color"), zeroline: false, automargin: true }
  return {
    layout: {
      font: { family: theme("font"), color: theme("text-color"), size: 13 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      xaxis: line,
      yaxis: line,
      hoverlabel: { bgcolor: theme("background-color"), font: { color: theme("text-color") }, align: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme("text-color"), activecolor: theme("primary-color") },
    },
  }
}

const finger = matchMedia("(pointer: coarse)") // a finger scrolls the page and does not zoom a chart

async function draw(host) {
  if (host.isDrawing) return // draws the newest figure when it is done
  host.isDrawing = true
  try {
    const Plotly = await plotly(host.wanted.plotly)
    while (host.wanted !== host.drawn && host.isConnected) {
      const wanted = host.wanted
      const { data, layout } = structuredClone(wanted.figure) // Plotly writes into what it is given
      await Plotly.react(host, data, { ...layout, template: template(host), autosize: true, dragmode: finger.matches ? false : "zoom" }, wanted.config)
      host.drawn = wanted
      host.dataset.updates = Number(host.dataset.updates ?? 0) + 1
    }
    host.watcher ??= new ResizeObserver(() => host.offsetWidth && Plotly.Plots.resize(host))
    host.watcher.observe(host)
  } catch (problem) {
    if (!host.drawn) host.textContent = "The chart cannot be drawn here. Its numbers are in the table below the charts."
    console.error(problem)
  } finally {
    host.isDrawing = false
    if (!host.isConnected) leave(host)
  }
}

function leave(host) {
  host.watcher?.disconnect()
  if (host.drawn && !host.isDrawing) globalThis.Plotly.purge(host)
}

export default function ({ data, parentElement }) {
  const host = parentElement.querySelector(".live-chart")
  host.setAttribute("aria-label", data.alt)
  host.style.height = `${data.height}px`
  host.wanted = data
  draw(host)
  return () => leave(host)
}
