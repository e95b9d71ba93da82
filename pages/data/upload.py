"""Upload of a zip straight to disk: a file field with drag and drop that PUTs to /api/uploads and shows how far it is.

Streamlit's own uploader holds the whole file in the server's memory twice; this one holds a megabyte of it.
"""

from typing import NamedTuple

import streamlit as st

HTML = """
<div class="zone" part="zone">
  <label for="file" class="title">Drop a .zip here, or choose one</label>
  <p class="hint">One folder per class: <code>my_set/cat/1.jpg</code>, <code>my_set/dog/1.jpg</code>. Up to 20 GB.</p>
  <input id="file" type="file" accept=".zip,application/zip" aria-describedby="said">
  <div class="row" hidden>
    <progress max="1" value="0" aria-label="Upload"></progress>
    <button type="button">Cancel upload</button>
  </div>
  <p id="said" class="said" role="status" aria-live="polite"></p>
</div>
"""

CSS = """
.zone { border: 2px dashed var(--st-border-color); border-radius: var(--st-base-radius); padding: 1.25rem;
        background: var(--st-secondary-background-color); color: var(--st-text-color); font-family: var(--st-font); }
.zone.over { border-color: var(--st-primary-color); border-style: solid; }
.title { font-weight: 600; display: block; margin-bottom: .25rem; }
.hint, .said { margin: .25rem 0 .75rem; font-size: .9rem; overflow-wrap: anywhere; }
.said { margin: .5rem 0 0; min-height: 1.2em; }
.said.bad { font-weight: 600; }
code { font-family: var(--st-code-font); }
input { font: inherit; color: inherit; max-width: 100%; }
input::file-selector-button, button {
        font: inherit; color: inherit; background: var(--st-background-color); cursor: pointer; padding: .35rem .8rem;
        margin-right: .75rem; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); }
input.done { color: transparent; }  /* else it goes on saying that no file is chosen */
input.done::file-selector-button { color: var(--st-text-color); }
input:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.row { display: flex; gap: .75rem; align-items: center; margin-top: .75rem; }
.row[hidden] { display: none; }
progress { flex: 1; height: .8rem; accent-color: var(--st-primary-color); }
"""

JS = """
const LIMIT = 20 * 2 ** 30
const running = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  const at = (selector) => parentElement.querySelector(selector)
  const zone = at(".zone"), input = at("input"), row = at(".row"), bar = at("progress"), said = at(".said")
  const say = (text, bad) => { said.textContent = text; said.classList.toggle("bad", Boolean(bad)) }
  const rest = () => { running.delete(parentElement); row.hidden = true; input.disabled = false; input.value = "" }

  const send = (file) => {
    if (!file || running.has(parentElement)) return
    if (!file.name.toLowerCase().endsWith(".zip")) {
      say("That is not a .zip file. Zip the folder that holds the class folders.", true)
      return
    }
    if (file.size > LIMIT) {
      say("The zip is larger than 20 GB. Give its path under 'Folder on this computer' instead.", true)
      return
    }
    const request = new XMLHttpRequest()
    running.set(parentElement, request)
    bar.value = 0; row.hidden = false; input.disabled = true; input.classList.remove("done")
    say(`Uploading ${file.name}`)
    let told = -1
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return
      bar.value = event.loaded / event.total
      const percent = Math.floor(100 * bar.value)
      if (percent >= told + 5 || percent === 100) { told = percent; say(`Uploading ${file.name}: ${percent} %`) }
    }
    request.onload = () => {
      let answer = {}
      try { answer = JSON.parse(request.responseText) } catch { /* not ours: the words below say so */ }
      rest()
      if (request.status === 200 && answer.upload) {
        say(`${file.name} is here.`)
        input.classList.add("done")
        setTriggerValue("uploaded", { upload: answer.upload, name: file.name, bytes: answer.bytes })
      } else say(answer.what ? `${answer.what} ${answer.todo}` : "The server refused the upload. Try again.", true)
    }
    request.onerror = () => { rest(); say("The connection broke. Check that Ganvas still runs and try again.", true) }
    request.onabort = () => { rest(); say("Upload cancelled. Nothing was kept.") }
    request.open("PUT", "/api/uploads?name=" + encodeURIComponent(file.name))
    request.setRequestHeader("Content-Type", "application/zip")
    request.send(file)
  }

  input.onchange = () => send(input.files[0])
  at("button").onclick = () => running.get(parentElement)?.abort()
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over") }
  zone.ondragleave = () => zone.classList.remove("over")
  zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); send(event.dataTransfer.files[0]) }
  return () => running.get(parentElement)?.abort()
}
"""


class Upload(NamedTuple):
    """A zip that has arrived in staging/<id>/upload.zip."""

    id: str
    name: str
    bytes: int


COMPONENT = st.components.v2.component("ganvas_upload", html=HTML, css=CSS, js=JS)


def upload_zip(key: str) -> Upload | None:
    """Show the drop zone; the upload that has just arrived, for one run of the page, else None."""
    arrived = COMPONENT(key=key, on_uploaded_change=lambda: None).uploaded
    return Upload(str(arrived["upload"]), str(arrived["name"]), int(arrived["bytes"])) if arrived else None
