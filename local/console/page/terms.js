/** What each number means: shown beside whatever has the pointer over it, or the focus. */

const MEANINGS = {
  elapsed: "How long this run has been going, in hours, minutes and seconds.",
  lines:
    "Lines that the router has met, those that came twice included. Always rows + rejected + filtered + duplicates.",
  rows: "Lines that have become a row in S3, typed and checked against the columns of their type.",
  rejected:
    "Lines that do not fit their type. They are kept in S3 with the reason, and can be replayed once the configuration is mended.",
  filtered: "Lines that become no row on purpose: blank lines, comments, and what the type drops.",
  duplicates:
    "Lines that had come before: after a retry something is sent twice rather than lost, and left out here.",
  loaded:
    "Rows that loads have brought into the type's tables. A tick says that the tables have all that S3 has.",
  "rows-chart": "Rows that came to S3 in each second, by type, averaged over some seconds.",
  "lag-chart": "Bytes in the files on this host that Kinesis has not acknowledged yet, by type.",
  "rejected-chart": "Lines rejected so far, by type. A line that goes up says that lines still do not fit.",
  files:
    "Log files that the agent follows, and how much of them Kinesis has not acknowledged yet. Beside each type: lines that the agent sends in a second.",
  kinesis: "Shards of the stream, and the age of the oldest record that the router has not finished.",
  router:
    "Batches that the router has worked on. A batch that fails is tried again, and nothing of it is lost.",
  s3: "Objects that commits name, and their compressed size. Beside each type: rows that come to S3 in a second.",
  warehouse: "Rows in the warehouse's tables, and loads that ended well. A load that fails is tried again.",
  basin: "Lines that were rejected. They are kept in S3 with their reason, and can be replayed.",
  size: "Bytes in the file.",
  delivered:
    "Bytes from the file's beginning that Kinesis has acknowledged: where the agent goes on after a restart.",
  behind: "Bytes that are in the file, and that Kinesis has not acknowledged yet.",
  millisBehind: "Age of the oldest record that the router has not finished; 0 where it has finished all.",
  recordsPerSecond:
    "Records that the router read from the shard in a second, over the last five. A record holds many lines.",
  inFlight: "Records in batches that the router works on at this moment.",
  retries: "Invocations of the router that failed. Their records were tried again.",
  dropped:
    "Records that were given up after all retries. They are in the failure destination, and weir replay brings them in.",
  objectBytes: "Compressed, as the object is stored.",
  objectRows: "Rows, rejected lines, or records in quarantine.",
};

const SHOWN_AFTER_MS = 250;

/** Follows the pointer and the focus. */
export function explainTerms(tip) {
  let timer;
  const hide = () => {
    clearTimeout(timer);
    if (tip.matches(":popover-open")) tip.hidePopover();
  };
  const show = (target, afterMs) => {
    hide();
    timer = setTimeout(() => {
      if (!target.isConnected) return;
      tip.textContent = MEANINGS[target.dataset.term];
      tip.showPopover();
      place(tip, target);
    }, afterMs);
  };
  const termAt = ({ target }) => target.closest?.("[data-term]");
  document.addEventListener("pointerover", (event) => {
    const term = event.pointerType !== "touch" && termAt(event);
    if (term) show(term, SHOWN_AFTER_MS);
    else hide();
  });
  document.addEventListener("focusin", (event) => {
    const term = termAt(event);
    if (!term) return hide();
    term.setAttribute("aria-describedby", tip.id);
    show(term, 0);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("click", (event) => {
    const term = termAt(event);
    // Whatever opens something has said enough.
    if (term && !term.dataset.opens) show(term, 0);
    else hide();
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") hide();
  });
  document.addEventListener("scroll", hide, { capture: true, passive: true });
}

/** Puts it below its term, or above where there is no room, and within the window. */
function place(tip, target) {
  const at = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const below = at.bottom + 8;
  const top = below + height > innerHeight ? Math.max(8, at.top - height - 8) : below;
  tip.style.top = `${top}px`;
  tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
}
