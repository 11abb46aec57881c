// What a convolution's settings do to the size of its result and to the border, in numbers and in words.

/** Size of a convolution's result along one side: ⌊(input + 2·padding − kernel) / stride⌋ + 1, 0 if none fits. */
export function outputSize({ input, padding, kernel, stride }) {
  const room = input + 2 * padding - kernel;
  return room < 0 ? 0 : Math.floor(room / stride) + 1;
}

/** For each cell of the padded input along one side: how many places of the kernel lie on it. */
export function coverage(settings) {
  const counts = new Array(settings.input + 2 * settings.padding).fill(0);
  for (let place = 0; place < outputSize(settings); place++) {
    for (let cell = 0; cell < settings.kernel; cell++) counts[place * settings.stride + cell]++;
  }
  return counts;
}

/** What a convolution with these settings, of which a result comes, does to the border. */
export function aboutBorder(settings) {
  const counts = coverage(settings).slice(settings.padding, settings.padding + settings.input);
  const parts = [aboutCorners(counts), aboutUnseen(settings, counts), aboutZeros(settings), aboutName(settings)];
  return ["Each number says how many results that cell is part of.", ...parts.flat()].join(" ");
}

/** What Keras's “valid” and “same” mean, with the numbers of this input, kernel and stride. */
export function aboutKeras({ input, kernel, stride }) {
  const { result, above, below } = sameOf({ input, kernel, stride });
  const needs =
    above + below === 0
      ? "Here that needs no zeros at all"
      : `Here that takes ${above} of them above and on the left, ${below} below and on the right`;
  return (
    "“valid” is no padding. “same” adds as many rows and columns of zeros as the result needs to have ⌈input / stride⌉ rows and columns, " +
    `⌈${input} / ${stride}⌉ = ${result} here, so it is as large as the input with a stride of 1 only. ` +
    `${needs}: max(0, (${result} − 1)·${stride} + ${kernel} − ${input}) = ${above + below} in all. Where that is an odd number, as with every even kernel at stride 1, ` +
    "the sides differ, and the one row more stands below, the one column more on the right; the sliders here pad all sides alike and cannot show that."
  );
}

// Keras's “same” along one side: the result's size, and the zeros before and behind the input.
function sameOf({ input, kernel, stride }) {
  const result = Math.ceil(input / stride);
  const all = Math.max(0, (result - 1) * stride + kernel - input);
  return { result, above: Math.floor(all / 2), below: Math.ceil(all / 2) };
}

function aboutCorners(counts) {
  const [first, last, most] = [counts[0], counts.at(-1), Math.max(...counts)];
  if (Math.min(first, last) === most) return [];
  const others = `other cells in up to ${most ** 2}`;
  if (first === last) return [`Each corner of the picture is in ${first ** 2}, ${others}.`];
  return [`Of the picture’s corners the top left is in ${first ** 2}, the bottom right in ${last ** 2}, each of the other two in ${first * last}; ${others}.`];
}

// A cell that no place of the kernel lies on is between two of them, or where the next one would be: outside.
function aboutUnseen({ padding, kernel, stride }, counts) {
  const unseen = counts.flatMap((count, at) => (count === 0 ? [at + padding] : []));
  const between = unseen.filter((at) => at % stride >= kernel).length;
  const behind = unseen.length - between;
  const lines = (many) => (many === 1 ? "One row and one column are in no result at all" : `${many} rows and ${many} columns are in no result at all`);
  const parts = [];
  if (between) parts.push(`${lines(between)}: the stride steps over them.`);
  if (behind) parts.push(`${lines(behind)}: at the bottom and on the right there is no room for one more place of the kernel.`);
  return parts;
}

function aboutZeros(settings) {
  const { input, padding, kernel, stride } = settings;
  if (padding === 0) return [];
  const size = outputSize(settings);
  const starts = Array.from({ length: size }, (_, place) => place * stride - padding); // in the picture
  const touching = starts.filter((start) => start + kernel > 0 && start < input).length ** 2;
  const inside = starts.filter((start) => start >= 0 && start + kernel <= input).length ** 2;
  const see = (many, what) => (many ? [`${many} ${many === 1 ? "sees" : "see"} ${what}`] : []);
  const parts = [...see(touching - inside, "zeros besides the picture"), ...see(size ** 2 - touching, "zeros alone")];
  return [`The padding holds zeros: of the ${size ** 2} results, ${parts.join(", and ")}.`];
}

function aboutName(settings) {
  const { input, padding, kernel, stride } = settings;
  const { result, above, below } = sameOf(settings);
  const parts = [];
  if (padding === 0) {
    const loses = stride === 1 && kernel > 1;
    parts.push(`${loses ? `Without padding the result loses ${kernel - 1} rows and columns` : "There is no padding"} (Keras calls this “valid”).`);
  }
  if (above === padding && below === padding) {
    const size = result === input ? "as large as the input" : `⌈${input} / ${stride}⌉ = ${result} rows and columns large`;
    parts.push(`The result is ${size} (Keras calls this “same”).`);
  }
  return parts;
}
