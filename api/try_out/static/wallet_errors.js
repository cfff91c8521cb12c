/**
 * Why a wallet has not signed, in plain words. Nothing was sent, so nothing was charged.
 *
 * @param {unknown} error of EIP-1193 (§ Provider Errors), or of the wallet itself
 * @param {string} network
 */
export function walletWords(error, network) {
  const { code, message } = /** @type {{ code?: number, message?: string }} */ (error ?? {})
  if (code === 4001) return 'You declined in your wallet.'
  if (code === 4100) return 'Your wallet does not let this page use the account. Allow it there, then pay again.'
  if (code === 4902) return `Your wallet does not know ${network} yet. Add this network there, then pay again.`
  if (code === -32002) return 'Your wallet has another request open. Answer it there, then pay again.'
  return `Your wallet has not signed: ${(message ?? 'it gave no reason').split('\n')[0].replace(/\.$/, '')}.`
}
