// Reads square codes from the camera or from a photo, on the device: no picture leaves it.
//
// The browser's own BarcodeDetector where it reads QR codes, else zxing in a worker, so that the page never stands still.

const FORMATS = ["qr_code", "data_matrix"];
const WIDEST = { camera: 1280, photo: 2000 };
const PAUSE_MS = 100;

let own = null;

// Returns the reader of this browser: a function from a picture or video to the texts of the codes in it.
export function reader(addresses) {
  own ??= native().then((found) => found ?? inWorker(addresses));
  return own;
}

// Says whether the browser reads QR codes itself; then the decoder is never loaded.
export async function isNative() {
  const formats = await globalThis.BarcodeDetector?.getSupportedFormats().catch(() => []);
  return formats?.includes("qr_code") ?? false;
}

// Shows the camera in *video* and gives each text to *onText* until that returns true. Returns how to stop it.
export async function watch(video, addresses, onText) {
  const wanted = { video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false };
  const stream = await navigator.mediaDevices.getUserMedia(wanted);
  let runs = true;
  const stop = () => {
    runs = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  try {
    video.srcObject = stream;
    await video.play();
    const read = await reader(addresses);
    look(read);
  } catch (fault) {
    stop();
    throw fault;
  }
  return stop;

  async function look(read) {
    while (runs) {
      const texts = await read(video, WIDEST.camera).catch(() => []);
      if (runs && texts.some((text) => onText(text))) return stop();
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
  }
}

// Returns the texts of the codes in a photo.
export async function readPhoto(file, addresses) {
  const picture = await createImageBitmap(file);
  try {
    return await (await reader(addresses))(picture, WIDEST.photo);
  } finally {
    picture.close();
  }
}

async function native() {
  if (!(await isNative())) return null;
  const known = await BarcodeDetector.getSupportedFormats();
  const detector = new BarcodeDetector({ formats: FORMATS.filter((format) => known.includes(format)) });
  return async (source) => (await detector.detect(source)).map((found) => found.rawValue);
}

function inWorker(addresses) {
  const worker = new Worker("/check/decoder.js");
  const waiting = new Map();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let number = 0;
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.number);
    waiting.delete(data.number);
    if (data.texts) resolve(data.texts);
    else reject(new Error(data.fault));
  };
  worker.onerror = () => {
    for (const { reject } of waiting.values()) reject(new Error("the decoder did not start"));
    waiting.clear();
    own = null; // The next picture tries again.
  };
  worker.postMessage({ zxing: addresses.zxing, wasm: addresses.wasm });
  return (source, widest) => {
    const width = source.videoWidth ?? source.width;
    const height = source.videoHeight ?? source.height;
    if (!width) return Promise.resolve([]);
    const scale = Math.min(1, widest / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    const image = context.getImageData(0, 0, canvas.width, canvas.height);
    return new Promise((resolve, reject) => {
      waiting.set(++number, { resolve, reject });
      worker.postMessage({ number, image }, [image.data.buffer]);
    });
  };
}
