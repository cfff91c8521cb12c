/** @import { Answer, Provider, Rail, Requirement, Terms, Way } from '../../types.ts' */
import { decode, encode, randomHex } from '../base64.js'
import { amountOf, injected, moduleOf } from '../wallets.js'

/** A wallet may count its clock as behind; ten minutes is what the official client allows. */
const CLOCK_TOLERANCE_S = 600

/**
 * How a 402 can be paid, the buyer's own wallet first.
 *
 * @param {Answer} answer
 * @param {Rail} rail
 * @param {Terms} terms
 * @param {number} clockAhead seconds
 * @returns {Way[]}
 */
export function waysOf(answer, rail, terms, clockAhead) {
  const { resource, requirement } = offerOf(answer.header('PAYMENT-REQUIRED'), rail)
  if (!requirement) return []
  const amount = amountOf(rail, requirement.amount, requirement.asset)
  const signWith = (/** @type {Provider} */ wallet) => sign(wallet, resource, requirement, rail, clockAhead)
  const test = terms.testWallet
  const ways = []
  if (injected()) {
    const own = () => signWith(/** @type {Provider} */ (injected()))
    ways.push({ id: 'x402-wallet', rail, amount, label: 'Your wallet', sign: own })
  }
  if (test) {
    const testing = async () => signWith((await moduleOf(test)).provider(test.key))
    ways.push({ id: 'x402-test', rail, amount, label: 'Test wallet', sign: testing })
  }
  return ways
}

/**
 * The requirement on a rail's chain with `exact`, the scheme of EIP-3009.
 *
 * @param {string | null} header
 * @param {Rail} rail
 * @returns {{ resource?: unknown, requirement?: Requirement }}
 */
function offerOf(header, rail) {
  if (!header) return {}
  /** @type {{ resource: unknown, accepts: Requirement[] }} */
  const { resource, accepts } = JSON.parse(decode(header))
  const network = `eip155:${rail.chain_id}`
  return { resource, requirement: accepts.find(each => each.scheme === 'exact' && each.network === network) }
}

/**
 * Have a wallet sign the authorization, and make the header of it (x402 v2, `exact` on EVM).
 *
 * @param {Provider} provider
 * @param {unknown} resource
 * @param {Requirement} requirement
 * @param {Rail} rail
 * @param {number} clockAhead seconds
 */
async function sign(provider, resource, requirement, rail, clockAhead) {
  const [from] = /** @type {string[]} */ (await provider.request({ method: 'eth_requestAccounts' }))
  const chainId = `0x${rail.chain_id.toString(16)}`
  await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] })
  const authorization = authorizationOf(from, requirement, clockAhead)
  const typed = JSON.stringify(typedData(authorization, requirement, rail.chain_id))
  const signature = await provider.request({ method: 'eth_signTypedData_v4', params: [from, typed] })
  const payload = { signature, authorization }
  const payment = { x402Version: 2, resource, accepted: requirement, payload }
  const value = encode(JSON.stringify(payment))
  return { name: 'PAYMENT-SIGNATURE', value, receiptHeader: 'PAYMENT-RESPONSE' }
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
