// The drop zone of pages/data/upload.py: PUTs one zip to /api/uploads and shows the progress.
const LIMIT = 20 * 2 ** 30
const running = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  const at = (selector) => parentElement.querySelector(selector)
  const zone = at(".zone"), input = at("input"), row = at(".row"), bar = at("progress"), status = at(".status")
  const say = (text, bad) => { status.textContent = text; status.classList.toggle("bad", Boolean(bad)) }
  const reset = () => { running.delete(parentElement); row.hidden = true; input.disabled = false; input.value = "" }

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
    let announced = -1
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return
      bar.value = event.loaded / event.total
      const percent = Math.floor(100 * bar.value)
      if (percent >= announced + 5 || percent === 100) { announced = percent; say(`Uploading ${file.name}: ${percent} %`) }
    }
    request.onload = () => {
      let answer = {}
      try { answer = JSON.parse(request.responseText) } catch { /* not an answer of Ganvas: the message below says so */ }
      reset()
      if (request.status === 200 && answer.upload) {
        say(`${file.name} is here.`)
        input.classList.add("done")
        setTriggerValue("uploaded", { upload: answer.upload, name: file.name, bytes: answer.bytes })
      } else say(answer.what ? `${answer.what} ${answer.todo}` : "The server refused the upload. Try again.", true)
    }
    request.onerror = () => { reset(); say("The connection was lost. Check that Ganvas still runs and try again.", true) }
    request.onabort = () => { reset(); say("Upload cancelled. Nothing was kept.") }
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
