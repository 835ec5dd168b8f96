//! A bound plan as the constants of the templates: filter tables, texts, sets, the calls' arguments.

use iotq_lang::plan::{Clause, Operand, Plan, Role, StreamPlan, Term, Test};
use iotq_probes::abi::*;
use iotq_probes::catalogue::{CALLS, Fd, Layer, Offset, Size, Slot};
use zerocopy::FromZeros;

use crate::groups::Groupings;
use crate::names::Membership;

/// Everything that the templates are told.
pub struct Constants {
    /// Optional fields, memberships, wakeups.
    pub config: iotq_config,
    /// The texts that terms refer to.
    pub texts: [iotq_text; IOTQ_MAX_TEXTS as usize],
    /// The members of the sets that terms refer to.
    pub sets: Vec<iotq_set_key>,
    /// Per layer: the filters at an operation's start, and at each point.
    pub tables: Vec<Tables>,
    /// What the arguments of system calls mean, by number.
    pub calls: [iotq_call; IOTQ_MAX_SYSCALLS as usize],
    /// The groups that are kept in the kernel.
    pub groupings: Groupings,
}

/// The filter tables of a layer.
pub struct Tables {
    /// The layer.
    pub layer: &'static Layer,
    /// Evaluated when an operation starts.
    pub start: iotq_table,
    /// Evaluated at each point; the index is the point's id.
    pub at: Vec<iotq_table>,
}

impl Tables {
    /// The points that have filters, a bit each.
    fn wanted(&self) -> u16 {
        let wanted = self
            .at
            .iter()
            .enumerate()
            .filter(|(_, table)| table.count > 0);
        wanted.fold(0, |bits, (point, _)| bits | 1 << point)
    }
}

/// A plan that has more terms than a table: the compiler keeps within the limits, so this is its fault.
#[derive(Debug, thiserror::Error)]
#[error("a filter of layer `{0}` has more terms than its table")]
pub struct Overflow(&'static str);

/// Encodes a bound plan. `own_pid` is not traced by the syscall layer.
///
/// # Errors
/// If the plan breaks a limit of the ABI.
pub fn encode(
    plan: &Plan,
    memberships: &[Membership],
    own_pid: u32,
) -> Result<Constants, Overflow> {
    let mut constants = Constants {
        config: config(plan, memberships, own_pid),
        texts: [iotq_text::default(); IOTQ_MAX_TEXTS as usize],
        sets: Vec::new(),
        tables: Vec::new(),
        calls: calls(),
        groupings: Groupings::of(plan),
    };
    constants.groupings.tell(&mut constants.config);
    for stream in plan.streams() {
        let bit = 1 << stream.bit;
        match stream.role {
            Role::Rows if stream.layer.is_of_callers() => constants.config.callers |= bit,
            Role::Rows | Role::Beyond => {}
            Role::Root => constants.config.roots |= bit,
            Role::Child => constants.config.joined[usize::from(stream.layer.id)] |= bit,
        }
    }
    let mut encoder = Encoder::default();
    for template in &plan.templates {
        let tables = encoder.tables(plan, template.layer)?;
        constants.config.points[usize::from(template.layer.id)] = tables.wanted();
        constants.tables.push(tables);
    }
    for (place, text) in constants.texts.iter_mut().zip(&encoder.texts) {
        *place = *text;
    }
    constants.sets = encoder.sets;
    Ok(constants)
}

fn config(plan: &Plan, memberships: &[Membership], own_pid: u32) -> iotq_config {
    let mut config = iotq_config {
        self_tgid: own_pid,
        ..iotq_config::new_zeroed()
    };
    for (bit, membership) in (0..).zip(memberships) {
        match membership {
            Membership::Family(_) => config.families += 1,
            Membership::Subtree(group) => {
                let place = &mut config.cgroups[config.cgroup_count as usize];
                *place = iotq_cgroup {
                    id: group.id,
                    level: group.level,
                    bit,
                };
                config.cgroup_count += 1;
            }
            Membership::Directory(directory) => {
                let place = &mut config.directories[config.directory_count as usize];
                *place = iotq_directory {
                    inode: directory.inode,
                    dev: directory.dev,
                    volume: directory.volume.unwrap_or(0),
                    bit,
                    pad: 0,
                };
                config.directory_count += 1;
            }
        }
    }
    let fields = || plan.templates.iter().flat_map(|template| &template.fields);
    let wants = |name: &str| u8::from(fields().any(|field| field.name == name));
    let flags = |slot| matches!(slot, Some(Slot::Bit { width: 4, .. }));
    let who = ["pid", "tid", "comm", "uid", "cgroup"];
    let asks_who = fields().any(|field| field.is_of_origin() || who.contains(&field.name));
    config.want_task = u8::from(asks_who || !memberships.is_empty());
    config.want_cgroup = wants("cgroup") | wants("origin.cgroup");
    config.want_origin = u8::from(fields().any(|field| field.is_of_origin()));
    config.want_uid = wants("uid");
    config.want_name = wants("name");
    config.want_type = wants("type");
    config.want_guest = wants("guest");
    config.want_disk = wants("disk");
    config.want_sequence = wants("sequential");
    config.follow = u8::from(plan.follows());
    config.follow_guests = u8::from(plan.follows_guests());
    config.want_flags = u8::from(fields().any(|field| flags(field.slot)));
    config
}

fn calls() -> [iotq_call; IOTQ_MAX_SYSCALLS as usize] {
    let mut calls = [iotq_call::default(); IOTQ_MAX_SYSCALLS as usize];
    for call in &CALLS {
        let (offset, offset_flag) = match call.offset {
            Offset::None => (0, 0),
            Offset::Position => (0, IOTQ_CALL_POSITION),
            Offset::Arg(number) => (number, IOTQ_CALL_OFFSET),
            Offset::Pointed(number) => (number, IOTQ_CALL_POINTED),
            Offset::Range(number) => (number, IOTQ_CALL_RANGE),
        };
        let (size, count, size_flag) = match call.size {
            Size::None => (0, 0, 0),
            Size::Arg(number) => (number, 0, IOTQ_CALL_SIZE),
            Size::Vector(array, count) => (array, count, IOTQ_CALL_VECTOR),
        };
        let (fd, fd_flag) = match call.fd {
            Fd::None => (0, 0),
            Fd::Arg(number) => (number, IOTQ_CALL_FD),
            Fd::Either(number) => (number, IOTQ_CALL_FD | IOTQ_CALL_EITHER),
        };
        calls[usize::from(call.number)] = iotq_call {
            op: call.op,
            flags: (fd_flag | offset_flag | size_flag) as u8,
            fd,
            offset,
            size,
            count,
            pad: [0; 2],
        };
    }
    calls
}

/// Makes terms, and collects what they refer to.
#[derive(Default)]
pub(crate) struct Encoder {
    texts: Vec<iotq_text>,
    sets: Vec<iotq_set_key>,
    set_count: u16,
}

impl Encoder {
    fn tables(&mut self, plan: &Plan, layer: &'static Layer) -> Result<Tables, Overflow> {
        let own = || plan.judged().filter(|stream| stream.layer.id == layer.id);
        let start = self.table(layer, own(), |stream| &stream.start)?;
        let at = (0..layer.point_slots())
            .map(|point| {
                self.table(
                    layer,
                    own().filter(|stream| usize::from(stream.point.id) == point),
                    |stream| &stream.end,
                )
            })
            .collect::<Result<_, _>>()?;
        Ok(Tables { layer, start, at })
    }

    fn table<'p>(
        &mut self,
        layer: &'static Layer,
        streams: impl Iterator<Item = &'p StreamPlan>,
        clauses: impl Fn(&StreamPlan) -> &Vec<Clause>,
    ) -> Result<iotq_table, Overflow> {
        let mut terms = Vec::new();
        for stream in streams {
            terms.extend(self.statement(clauses(stream), stream.bit));
        }
        let mut table = iotq_table::new_zeroed();
        table.count = u32::try_from(terms.len()).unwrap_or(u32::MAX);
        let room = table
            .terms
            .get_mut(..terms.len())
            .ok_or(Overflow(layer.name))?;
        room.copy_from_slice(&terms);
        Ok(table)
    }

    fn statement(&mut self, clauses: &[Clause], query: u8) -> Vec<iotq_term> {
        let mut terms = Vec::new();
        for Clause(alternatives) in clauses {
            terms.extend(alternatives.iter().map(|term| self.term(term)));
            if let Some(last) = terms.last_mut() {
                last.flags |= IOTQ_END_CLAUSE as u8;
            }
        }
        if terms.is_empty() {
            terms.push(iotq_term {
                test: IOTQ_TEST_TRUE as u8,
                flags: IOTQ_END_CLAUSE as u8,
                ..iotq_term::default()
            });
        }
        if let Some(last) = terms.last_mut() {
            last.flags |= IOTQ_END_QUERY as u8;
            last.query = query;
        }
        terms
    }

    pub(crate) fn term(&mut self, term: &Term) -> iotq_term {
        let place = Place::of(&term.operand);
        let mut encoded = iotq_term {
            offset: place.offset,
            width: place.width,
            flags: place.flags,
            ..iotq_term::default()
        };
        let mut negate = term.negate;
        match &term.test {
            Test::Range(low, high) => match place.bounds(*low, *high) {
                Some((low, high)) => {
                    encoded.test = IOTQ_TEST_RANGE as u8;
                    (encoded.a, encoded.b) = (low, high);
                }
                // Outside of all that the field can hold: never in it, and always out of it unless null.
                None if negate && place.flags & IOTQ_NULLABLE as u8 != 0 => {
                    encoded.test = IOTQ_TEST_RANGE as u8;
                    (encoded.a, encoded.b) = (0, u64::MAX);
                    negate = false;
                }
                None => {
                    encoded.test = IOTQ_TEST_TRUE as u8;
                    negate = !negate;
                }
            },
            Test::Bit(mask) => {
                encoded.test = IOTQ_TEST_BITS as u8;
                encoded.a = *mask;
            }
            Test::Text(text) => {
                (encoded.test, encoded.set) =
                    (IOTQ_TEST_TEXT as u8, self.text(text.as_bytes(), true))
            }
            Test::Prefix(text) => {
                (encoded.test, encoded.set) =
                    (IOTQ_TEST_TEXT as u8, self.text(text.as_bytes(), false))
            }
            Test::Set(values) => {
                (encoded.test, encoded.set) = (IOTQ_TEST_SET as u8, self.set(&place, values))
            }
            Test::Name(_) | Test::Under(_) => {
                // Unreachable in a bound plan; never true is the answer that loses nothing silently to the residual.
                encoded.test = IOTQ_TEST_TRUE as u8;
                negate = true;
            }
        }
        if negate {
            encoded.flags |= IOTQ_NEGATE as u8;
        }
        encoded
    }

    fn text(&mut self, text: &[u8], exact: bool) -> u16 {
        let (mut value, mut mask) = ([0u8; 16], [0u8; 16]);
        for (i, byte) in text.iter().take(16).enumerate() {
            (value[i], mask[i]) = (*byte, 0xff);
        }
        // The NUL behind it makes it exact.
        if exact && let Some(end) = mask.get_mut(text.len()) {
            *end = 0xff;
        }
        let words = |bytes: [u8; 16]| -> [u64; 2] { zerocopy::transmute!(bytes) };
        let wanted = iotq_text {
            value: words(value),
            mask: words(mask),
        };
        let known = self.texts.iter().position(|text| *text == wanted);
        let index = known.unwrap_or_else(|| {
            self.texts.push(wanted);
            self.texts.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn set(&mut self, place: &Place, values: &[i128]) -> u16 {
        let set = self.set_count;
        self.set_count += 1;
        let inside = values
            .iter()
            .filter_map(|value| place.bounds(*value, *value));
        // The kernel looks up the bits as they lie in the record.
        let flip = if place.flags & IOTQ_SIGNED as u8 != 0 {
            SIGN
        } else {
            0
        };
        self.sets.extend(inside.map(|(value, _)| iotq_set_key {
            value: value ^ flip,
            set: set.into(),
            pad: 0,
        }));
        set
    }
}

const SIGN: u64 = 1 << 63;

/// Where a term reads, and what can stand there.
pub(crate) struct Place {
    pub offset: u16,
    pub width: u8,
    pub flags: u8,
    least: i128,
    most: i128,
}

impl Place {
    pub fn of(operand: &Operand) -> Self {
        let members = std::mem::offset_of!(iotq_block, task.members);
        let slot = match operand {
            Operand::Members => Slot::Uint {
                offset: members,
                width: 8,
                nullable: false,
            },
            Operand::Field { slot, .. } => *slot,
        };
        let (offset, width, flags, least, most) = match slot {
            Slot::Uint {
                offset,
                width,
                nullable,
            } => {
                let most = (1i128 << (8 * width)) - 1 - i128::from(nullable);
                (
                    offset,
                    width,
                    if nullable { IOTQ_NULLABLE } else { 0 },
                    0,
                    most,
                )
            }
            Slot::Int { offset } => (offset, 8, IOTQ_SIGNED, i64::MIN.into(), i64::MAX.into()),
            Slot::Bit { offset, width, .. } => (offset, width, 0, 0, 0),
            Slot::Text { offset, .. } => (offset, 16, 0, 0, 0),
            // The compiler makes two tests of a file.
            Slot::File { inode, .. } => (inode, 8, IOTQ_NULLABLE, 0, 0),
        };
        Self {
            offset: offset as u16,
            width: width as u8,
            flags: flags as u8,
            least,
            most,
        }
    }

    /// The part of a range that the place can hold, as the kernel compares it; `None` if there is none.
    fn bounds(&self, low: i128, high: i128) -> Option<(u64, u64)> {
        let (low, high) = (low.max(self.least), high.min(self.most));
        let flip = if self.flags & IOTQ_SIGNED as u8 != 0 {
            SIGN
        } else {
            0
        };
        let bits = |value: i128| (value as u64) ^ flip;
        (low <= high).then(|| (bits(low), bits(high)))
    }
}
