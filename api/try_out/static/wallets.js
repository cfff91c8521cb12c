/** @import { Provider, Rail, TestWallet, TestWalletModule } from '../types.ts' */

/** @returns {Provider | undefined} the buyer's own wallet (EIP-1193) */
export function injected() {
  return /** @type {{ ethereum?: Provider }} */ (window).ethereum
}

/** @param {TestWallet} test @returns {Promise<TestWalletModule>} loaded with its first payment */
export function moduleOf(test) {
  return import(test.script)
}

/** @param {Rail} rail @param {string} units @param {string} asset @returns {string} such as `0.05 COIN` */
export function amountOf(rail, units, asset) {
  const token = rail.tokens.find(each => each.address.toLowerCase() === asset.toLowerCase())
  return `${dollars(units)} ${token?.name ?? asset}`
}

/** @param {string} units base units of a coin with six decimals @returns {string} `0.05` */
function dollars(units) {
  const [whole, part] = (Number(units) / 1e6).toFixed(6).split('.')
  return `${whole}.${part.replace(/0{1,4}$/, '')}`
}
