/**
 * Before and after, parted by a slider.
 *
 * @param {HTMLElement} frame with the images `.before` and `.after` and a range input
 */
export function compare(frame) {
  const slider = /** @type {HTMLInputElement} */ (frame.querySelector('input'))
  const after = /** @type {HTMLImageElement} */ (frame.querySelector('.after'))
  slider.addEventListener('input', () => frame.style.setProperty('--at', `${slider.value}%`))
  after.addEventListener('load', () => {
    frame.style.setProperty('--ratio', String(after.naturalWidth / after.naturalHeight))
  })
}
