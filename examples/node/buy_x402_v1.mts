// Buy a cut-out with x402, protocol v1 (USDC on Base).
//
//   npm install x402-fetch@1.2.0 viem@2.55.19 tsx@4.20.6
//   BUYER_KEY=0x... npx tsx buy_x402_v1.mts https://HOST/v1/remove-background photo.jpg cutout.png
//
// Run it again when it fails: a picture is charged once.
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { decodeXPaymentResponse, wrapFetchWithPayment } from 'x402-fetch'

const [url, image, out] = process.argv.slice(2)
const types: Record<string, string> = {
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
}
const buyer = privateKeyToAccount(process.env.BUYER_KEY as `0x${string}`)

const mostIPay = 100_000n // USDC has 6 decimals: 0.10
const pay = wrapFetchWithPayment(fetch, buyer, mostIPay)

// Try until an answer stands, for two minutes. Each try signs a new payment; under one name they are one purchase.
async function buy() {
  const body = await readFile(image)
  const name = createHash('sha256').update(url).update(body).digest('hex')
  const headers = { 'Content-Type': types[extname(image)], 'Idempotency-Key': name }
  const giveUpAt = Date.now() + 120_000
  for (;;) {
    let wait: string | number | null = 2
    try {
      const response = await pay(url, { method: 'POST', headers, body })
      const content = Buffer.from(await response.arrayBuffer())
      wait = response.headers.get('Retry-After')
      if (response.status === 402 || wait === null || Date.now() > giveUpAt) return { response, content }
    } catch (error) {
      // This is how `fetch` says that an answer got lost; everything else is the client's own refusal.
      if (!(error instanceof TypeError && error.cause) || Date.now() > giveUpAt) throw error
    }
    await setTimeout(Number(wait) * 1000)
  }
}

const { response, content } = await buy()
if (!response.ok) throw new Error(`${response.status} ${content}`)

await writeFile(out, content)
const receipt = decodeXPaymentResponse(response.headers.get('X-PAYMENT-RESPONSE')!)
console.log(JSON.stringify({ status: response.status, bytes: content.length, receipt }))
