// Settings of the `mppx` command for a Tempo node of your own: the sandbox, for one.
//
//   MPPX_CONFIG=mppx.config.mjs BUYER_KEY=0x... TEMPO_RPC_URL=http://... npx mppx validate https://HOST
import { tempo } from 'mppx/client'
import { createClient, extractChain, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { tempo as tempoMainnet, tempoModerato } from 'viem/chains'

const getClient = ({ chainId }) =>
  createClient({
    chain: extractChain({ chains: [tempoMainnet, tempoModerato], id: chainId }),
    transport: http(process.env.TEMPO_RPC_URL),
  })

export default { methods: [tempo.charge({ account: privateKeyToAccount(process.env.BUYER_KEY), getClient })] }
