// Buy a cut-out with x402, protocol v2 (USDC on Base).
//
//   npm install @x402/fetch@2.27.0 @x402/evm@2.27.0 viem@2.55.19 tsx@4.20.6
//   BUYER_KEY=0x... npx tsx buy_x402_v2.mts https://HOST/v1/remove-background photo.jpg cutout.png
//
// Run it again when it fails: a picture is charged once.
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { registerExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, type PaymentPolicy, wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { privateKeyToAccount } from 'viem/accounts'

const [url, image, out] = process.argv.slice(2)
const types: Record<string, string> = {
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
}
const buyer = privateKeyToAccount(process.env.BUYER_KEY as `0x${string}`)

const client = new x402Client()
const upTo10Cents: PaymentPolicy = (_version, offers) => offers.filter(offer => BigInt(offer.amount) <= 100_000n)
registerExactEvmScheme(client, { signer: buyer, policies: [upTo10Cents] })
const pay = wrapFetchWithPayment(fetch, client)

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
const receipt = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE')!)
console.log(JSON.stringify({ status: response.status, bytes: content.length, receipt }))
