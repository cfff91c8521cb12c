/** @import { Provider, Quote, Rail, Requirement } from '../types.ts' */
import { encode, randomHex } from './base64.js'

/** A wallet may count its clock as behind; ten minutes is what the official client allows. */
const CLOCK_TOLERANCE_S = 600

/**
 * The requirement of a quote that is paid on a rail's chain with `exact`, the scheme of EIP-3009.
 *
 * @param {Quote} quote
 * @param {Rail} rail
 * @returns {Requirement | undefined}
 */
export function requirementOf(quote, rail) {
  return quote.x402?.accepts.find(each => each.scheme === 'exact' && each.network === `eip155:${rail.chain_id}`)
}

/**
 * Have a wallet sign the authorization, and make the header of it (x402 v2, `exact` on EVM).
 *
 * @param {Provider} provider
 * @param {Quote} quote
 * @param {Rail} rail
 */
export async function signX402(provider, quote, rail) {
  const requirement = requirementOf(quote, rail)
  if (!requirement) throw new Error(`The service does not offer ${rail.title} on ${rail.network} now.`)
  const [from] = /** @type {string[]} */ (await provider.request({ method: 'eth_requestAccounts' }))
  const chainId = `0x${rail.chain_id.toString(16)}`
  await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] })
  const authorization = authorizationOf(from, requirement, quote.clockAhead)
  const typed = JSON.stringify(typedData(authorization, requirement, rail.chain_id))
  const signature = await provider.request({ method: 'eth_signTypedData_v4', params: [from, typed] })
  const payload = { signature, authorization }
  const payment = { x402Version: 2, resource: quote.x402?.resource, accepted: requirement, payload }
  return { name: 'PAYMENT-SIGNATURE', value: encode(JSON.stringify(payment)) }
}

/**
 * @param {string} from
 * @param {Requirement} requirement
 * @param {number} clockAhead seconds
 */
function authorizationOf(from, requirement, clockAhead) {
  const now = Math.floor(Date.now() / 1000) + clockAhead
  return {
    from,
    to: requirement.payTo,
    value: requirement.amount,
    validAfter: String(now - CLOCK_TOLERANCE_S),
    validBefore: String(now + requirement.maxTimeoutSeconds),
    nonce: randomHex(32),
  }
}

/**
 * EIP-712 of EIP-3009's `TransferWithAuthorization`.
 *
 * @param {object} message
 * @param {Requirement} requirement
 * @param {number} chainId
 */
function typedData(message, requirement, chainId) {
  const { name, version } = requirement.extra
  return {
    types: {
      EIP712Domain: fields('name string, version string, chainId uint256, verifyingContract address'),
      TransferWithAuthorization: fields(
        'from address, to address, value uint256, validAfter uint256, validBefore uint256, nonce bytes32',
      ),
    },
    primaryType: 'TransferWithAuthorization',
    domain: { name, version, chainId, verifyingContract: requirement.asset },
    message,
  }
}

/** @param {string} declaration `name type, name type` */
function fields(declaration) {
  return declaration.split(', ').map(each => {
    const [name, type] = each.split(' ')
    return { name, type }
  })
}
