// The worker that reads codes with zxing: a picture in, the texts of its codes out.
//
// zxing fetches its WebAssembly from a public host unless it is told where ours is.
"use strict";

const OPTIONS = { formats: ["QRCode", "DataMatrix"], tryHarder: true, maxNumberOfSymbols: 4 };
let ready = null;

self.onmessage = async ({ data }) => {
  if (data.zxing) {
    importScripts(data.zxing);
    ready = ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => data.wasm }, fireImmediately: true });
    ready.catch(() => {}); // Said with the first picture.
    return;
  }
  try {
    await ready;
    const found = await ZXingWASM.readBarcodes(data.image, OPTIONS);
    self.postMessage({ number: data.number, texts: found.filter((one) => one.isValid).map((one) => one.text) });
  } catch (fault) {
    self.postMessage({ number: data.number, fault: String(fault) });
  }
};
