const filled = new WeakMap() // the id of the images that a grid shows

export default function ({ parentElement, data, setTriggerValue }) {
  const at = (selector) => parentElement.querySelector(selector)
  const dialog = at("dialog"), images = data.groups.flatMap((group) => group.images)
  const make = (tag, values, ...children) => {
    const element = Object.assign(document.createElement(tag), values)
    element.append(...children)
    return element
  }
  const className = data.small ? "small" : ""
  const picture = (file, alt) => make("img", { src: data.base + file, alt, loading: "lazy", className })
  let number = 0 // of the image in the dialog

  const show = (wanted) => {
    number = (wanted + images.length) % images.length
    const image = images[number]
    at("#title").textContent = image.title
    Object.assign(at(".big"), { src: data.base + image.file, alt: `${image.title}, enlarged` })
    at(".big").classList.toggle("small", data.small)
    at(".words").textContent = image.words
    at(".near").replaceChildren(...image.near.map((real) =>
      make("li", {}, picture(real.file, real.alt), make("span", { textContent: real.text }))))
    Object.assign(at(".actions a"), { href: data.base + image.file, download: image.download })
    at(".status").textContent = ""
  }
  const cell = (image, i) => {
    const button = make("button", { type: "button", className: image.copy ? "cell copy" : "cell" }, picture(image.file, image.alt))
    button.onclick = () => { show(i); dialog.showModal() }
    return button
  }
  if (filled.get(parentElement) !== data.id) {
    filled.set(parentElement, data.id)
    let i = 0
    at(".groups").replaceChildren(...data.groups.map((group) => {
      const cells = make("div", { className: "cells" }, ...group.images.map((image) => cell(image, i++)))
      if (!group.name) return make("div", { className: "group alone" }, cells)
      return make("div", { className: "group" }, make("span", { className: "name", textContent: group.name }), cells)
    }))
    if (dialog.open) dialog.close()
  }
  at(".close").onclick = () => dialog.close()
  at(".previous").onclick = () => show(number - 1)
  at(".next").onclick = () => show(number + 1)
  for (const end of ["from", "to"]) {
    const button = at(`.actions .${end}`)
    button.hidden = !data.walks
    button.onclick = () => {
      setTriggerValue("walk", { end, image: number })
      at(".status").textContent = end === "from" ? "The walk starts at this image." : "The walk ends at this image."
    }
  }
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close() }
  dialog.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (step) { event.preventDefault(); show(number + step) }
  }
  return () => filled.delete(parentElement)
}
