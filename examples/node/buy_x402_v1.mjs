// Buy a cut-out with x402, protocol v1 (USDC on Base).
//
//   npm install x402-fetch@1.2.0 viem@2.55.19
//   BUYER_KEY=0x... node buy_x402_v1.mjs https://HOST/v1/remove-background photo.jpg cutout.png
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { decodeXPaymentResponse, wrapFetchWithPayment } from 'x402-fetch'

const [url, image, out] = process.argv.slice(2)
const types = { '.png': 'image/png', '.webp': 'image/webp', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg' }

const mostIPay = 100_000n // USDC has 6 decimals: 0.10
const pay = wrapFetchWithPayment(fetch, privateKeyToAccount(process.env.BUYER_KEY), mostIPay)
const response = await pay(url, {
  method: 'POST',
  headers: { 'Content-Type': types[extname(image)] },
  body: await readFile(image),
})
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)

const cutout = Buffer.from(await response.arrayBuffer())
await writeFile(out, cutout)
const receipt = decodeXPaymentResponse(response.headers.get('X-PAYMENT-RESPONSE'))
console.log(JSON.stringify({ status: response.status, bytes: cutout.length, receipt }))
