// Buy a cut-out with MPP (pathUSD on Tempo).
//
//   npm install --legacy-peer-deps mppx@0.11.0 viem@2.55.19
//   BUYER_KEY=0x... node buy_mpp.mjs https://HOST/v1/remove-background photo.jpg cutout.png
//
// TEMPO_RPC_URL names a node to ask for gas; without it the public one of the quoted chain is asked.
import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
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
const response = await mppx.fetch(url, {
  method: 'POST',
  headers: { 'Content-Type': types[extname(image)] },
  body: await readFile(image),
})
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)

const cutout = Buffer.from(await response.arrayBuffer())
await writeFile(out, cutout)
const receipt = Receipt.fromResponse(response)
console.log(JSON.stringify({ status: response.status, bytes: cutout.length, receipt }))
