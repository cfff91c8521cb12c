// Buy a cut-out with x402, protocol v2 (USDC on Base).
//
//   npm install @x402/fetch@2.27.0 @x402/evm@2.27.0 viem@2.55.19
//   BUYER_KEY=0x... node buy_x402_v2.mjs https://HOST/v1/remove-background photo.jpg cutout.png
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { registerExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'

const [url, image, out] = process.argv.slice(2)
const types = { '.png': 'image/png', '.webp': 'image/webp', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg' }

const client = new x402Client()
const upTo10Cents = (_version, offers) => offers.filter(offer => BigInt(offer.amount) <= 100_000n)
registerExactEvmScheme(client, { signer: privateKeyToAccount(process.env.BUYER_KEY), policies: [upTo10Cents] })
const response = await wrapFetchWithPayment(fetch, client)(url, {
  method: 'POST',
  headers: { 'Content-Type': types[extname(image)] },
  body: await readFile(image),
})
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)

const cutout = Buffer.from(await response.arrayBuffer())
await writeFile(out, cutout)
const receipt = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE'))
console.log(JSON.stringify({ status: response.status, bytes: cutout.length, receipt }))
