// The owner signs with a finger or a pen. The drawing goes along in a field of the form, so that drafts and the queue
// keep it, encrypted, like everything that is typed.
const STROKE = 4;

export function signing(form) {
  const part = form.querySelector("[data-sign]");
  const canvas = part.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const field = form.elements.signature;
  part.hidden = false;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const tell = (value) => {
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const wipe = () => pen.clearRect(0, 0, canvas.width, canvas.height);

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return; // the other hand on the glass
    canvas.setPointerCapture(event.pointerId);
    Object.assign(pen, { lineWidth: STROKE, lineCap: "round", lineJoin: "round", strokeStyle: "#000" });
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event));
    pen.stroke();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => event.isPrimary && tell(canvas.toDataURL("image/png")));
  }
  part.querySelector("[data-unsign]").addEventListener("click", () => {
    wipe();
    tell("");
  });

  // What a draft or the queue gave back.
  return () => {
    wipe();
    if (!field.value) return;
    const image = new Image();
    image.addEventListener("load", () => pen.drawImage(image, 0, 0));
    image.src = field.value;
  };
}
