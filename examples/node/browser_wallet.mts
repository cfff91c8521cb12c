// A wallet for web pages that holds a private key: an EIP-1193 provider for x402, and MPP with the official SDK.
// The sandbox bundles it for the page /try, with a key that everybody knows:
//
//   npx esbuild browser_wallet.mts --bundle --format=esm --outfile=wallet.js
import { z } from 'mppx'
import { Mppx, tempo } from 'mppx/client'
import { createClient, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { tempo as tempoMainnet, tempoModerato } from 'viem/chains'

// Pages with a strict Content-Security-Policy allow no code that is made from strings.
z.config({ jitless: true })

/** The four calls of EIP-1193 that a payment needs. It is on every chain, since it never asks one. */
export function provider(key: Hex) {
  const account = privateKeyToAccount(key)
  return {
    async request({ method, params }: { method: string; params?: unknown }) {
      switch (method) {
        case 'eth_requestAccounts':
        case 'eth_accounts':
          return [account.address]
        case 'wallet_switchEthereumChain':
          return null
        case 'eth_signTypedData_v4':
          return account.signTypedData(JSON.parse((params as [string, string])[1]))
        default:
          throw Object.assign(new Error(`${method} is not supported.`), { code: 4200 })
      }
    },
  }
}

/** Sign the first challenge of a 402's `WWW-Authenticate`: the value of `Authorization`. Sends nothing. */
export async function payMpp(wwwAuthenticate: string, key: Hex, rpcUrl: string): Promise<string> {
  const getClient = ({ chainId }: { chainId?: number }) =>
    createClient({
      chain: [tempoMainnet, tempoModerato].find(chain => chain.id === chainId)!,
      transport: http(rpcUrl),
    })
  const mppx = Mppx.create({ methods: [tempo.charge({ account: privateKeyToAccount(key), getClient })], polyfill: false })
  const headers = { 'WWW-Authenticate': wwwAuthenticate }
  return mppx.createCredential(new Response(null, { status: 402, headers }))
}
