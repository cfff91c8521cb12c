// Buy a cut-out with MPP (pathUSD on Tempo).
//
//   npm install --legacy-peer-deps mppx@0.11.0 viem@2.55.19 tsx@4.20.6
//   BUYER_KEY=0x... npx tsx buy_mpp.mts https://HOST/v1/remove-background photo.jpg cutout.png
//
// Run it again when it fails: a picture is charged once.
//
// TEMPO_RPC_URL names a node to ask for gas; without it the public one of the quoted chain is asked.
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Receipt } from 'mppx'
import { Mppx, tempo } from 'mppx/client'
import { createClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { tempo as tempoMainnet, tempoModerato } from 'viem/chains'

const [url, image, out] = process.argv.slice(2)
const types: Record<string, string> = {
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
}
const buyer = privateKeyToAccount(process.env.BUYER_KEY as `0x${string}`)

const getClient = ({ chainId }: { chainId?: number }) =>
  createClient({
    chain: [tempoMainnet, tempoModerato].find(chain => chain.id === chainId)!,
    transport: http(process.env.TEMPO_RPC_URL),
  })
const mppx = Mppx.create({
  methods: [tempo.charge({ account: buyer, getClient })],
  // 6 decimals: up to 0.10 pathUSD
  orderChallenges: offers => offers.filter(offer => BigInt(String(offer.challenge.request.amount)) <= 100_000n),
  polyfill: false,
})
const pay = mppx.fetch

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
const receipt = Receipt.fromResponse(response)
console.log(JSON.stringify({ status: response.status, bytes: content.length, receipt }))
