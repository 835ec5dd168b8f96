//! The end of a run: its summary, and what is to be known beside it.

use std::io;

use iotq_engine::{Sink, Summary};
use iotq_kernel::Counts;

use crate::output;
use crate::report::note;

/// What is said of events that the kernel has skipped.
pub fn unseen(skipped: u64) -> String {
    format!(
        "iotq: {skipped} events went by unseen: they interrupted the handling of others of their kind"
    )
}

/// Writes the summary, and notes what is to be known beside it. `unread`: nobody reads the output any more; `room`: for so
/// many groups.
///
/// # Errors
/// Those of the output.
pub fn account(
    sink: &mut dyn Sink,
    summary: &Summary,
    unread: bool,
    kernel: &Counts,
    engine: &iotq_engine::Counts,
    room: usize,
) -> io::Result<()> {
    let ended = sink.finish(summary);
    let unread = unread || ended.as_ref().is_err_and(output::nobody_reads);
    if !unread {
        ended?;
    }
    note(&format!("iotq: {summary}"));
    let tell = |count: u64, text: String| {
        if count > 0 {
            note(&text);
        }
    };
    tell(
        unread.into(),
        "iotq: the last rows were not written: nobody reads them".into(),
    );
    let Counts {
        untracked,
        spilled,
        approx,
        ..
    } = kernel;
    tell(
        kernel.lost.saturating_sub(*untracked),
        "iotq: records were lost where the ring was full: --ring takes a larger size".into(),
    );
    tell(
        *untracked,
        format!(
            "iotq: {untracked} operations were lost for which there was no room among those under way"
        ),
    );
    tell(
        *spilled,
        format!(
            "iotq: {spilled} records found no room among the groups in the kernel, and were grouped in user space"
        ),
    );
    tell(
        *approx,
        format!(
            "iotq: {approx} records are approximate in a part that was not seen (field `approx`)"
        ),
    );
    let iotq_engine::Counts {
        ungrouped,
        incomplete,
        malformed,
        ..
    } = engine;
    tell(
        *ungrouped,
        format!(
            "iotq: {ungrouped} rows are in no group: there is room for {room} between two reports"
        ),
    );
    tell(
        *incomplete,
        format!("iotq: {incomplete} requests are shown without all their parts (field `approx`)"),
    );
    tell(
        *malformed,
        format!("iotq: {malformed} records could not be understood"),
    );
    Ok(())
}
