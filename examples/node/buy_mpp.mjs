// Buy a cut-out with MPP (pathUSD on Tempo).
//
//   npm install --legacy-peer-deps mppx@0.11.0 viem@2.55.19
//   BUYER_KEY=0x... node buy_mpp.mjs https://HOST/v1/remove-background photo.jpg cutout.png
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
import { createClient, extractChain, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { tempo as tempoMainnet, tempoModerato } from 'viem/chains'

const [url, image, out] = process.argv.slice(2)
const types = { '.png': 'image/png', '.webp': 'image/webp', '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg' }

const getClient = ({ chainId }) =>
  createClient({
    chain: extractChain({ chains: [tempoMainnet, tempoModerato], id: chainId }),
    transport: http(process.env.TEMPO_RPC_URL),
  })
const mppx = Mppx.create({
  methods: [tempo.charge({ account: privateKeyToAccount(process.env.BUYER_KEY), getClient })],
  orderChallenges: offers => offers.filter(offer => BigInt(offer.challenge.request.amount) <= 100_000n), // 0.10 pathUSD
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
    let wait = 2
    try {
      const response = await pay(url, { method: 'POST', headers, body })
      const content = Buffer.from(await response.arrayBuffer())
      wait = response.headers.get('Retry-After')
      if (response.status === 402 || wait === null || Date.now() > giveUpAt) return { response, content }
    } catch (error) {
      // This is how `fetch` says that an answer got lost; everything else is the client's own refusal.
      if (!(error instanceof TypeError && error.cause) || Date.now() > giveUpAt) throw error
    }
    await setTimeout(wait * 1000)
  }
}

const { response, content } = await buy()
if (!response.ok) throw new Error(`${response.status} ${content}`)

await writeFile(out, content)
const receipt = Receipt.fromResponse(response)
console.log(JSON.stringify({ status: response.status, bytes: content.length, receipt }))
