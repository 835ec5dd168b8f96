//! The vocabulary of the catalogue: types with their units, slots in records, points, fields, layers.

/// The type of a field or expression. Units are part of the type: they never mix silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A number without a unit.
    Int,
    /// A ratio or an average: only made by expressions, never stored in a record.
    Float,
    /// True or false.
    Bool,
    /// Nanoseconds.
    Duration,
    /// Bytes.
    Bytes,
    /// A moment: nanoseconds since the Unix epoch when shown, of the monotonic clock in records.
    Time,
    /// Bytes of text: exact with `==`, glob with `~`.
    Text,
    /// One of a list of names.
    Enum(&'static EnumType),
    /// A block device.
    Dev,
    /// A file: the device of its filesystem and its inode.
    File,
    /// A control group.
    Cgroup,
    /// A process.
    Pid,
    /// One of the host of a guest, among what is the guest's: only made by joins of both.
    OfHost(Named),
}

/// What a machine has names for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A block device.
    Dev,
    /// A file.
    File,
    /// A control group.
    Cgroup,
}

impl Type {
    /// The type's name in messages and in `param` declarations.
    pub fn name(self) -> &'static str {
        match self {
            Type::Int => "int",
            Type::Float => "float",
            Type::Bool => "bool",
            Type::Duration => "duration",
            Type::Bytes => "bytes",
            Type::Time => "time",
            Type::Text => "string",
            Type::Enum(list) => list.name,
            Type::Dev => "dev",
            Type::File => "file",
            Type::Cgroup => "cgroup",
            Type::Pid => "pid",
            Type::OfHost(Named::Dev) => "dev",
            Type::OfHost(Named::File) => "file",
            Type::OfHost(Named::Cgroup) => "cgroup",
        }
    }

    /// Which of what a machine has names for.
    pub fn named(self) -> Option<Named> {
        match self {
            Type::Dev => Some(Named::Dev),
            Type::File => Some(Named::File),
            Type::Cgroup => Some(Named::Cgroup),
            Type::OfHost(named) => Some(named),
            _ => None,
        }
    }

    /// The unit in which values of this type are stored and written to JSON; empty without one.
    pub fn unit(self) -> &'static str {
        match self {
            Type::Duration | Type::Time => "ns",
            Type::Bytes => "bytes",
            _ => "",
        }
    }
}

/// A closed list of named values.
#[derive(Debug, PartialEq, Eq)]
pub struct EnumType {
    /// The name of the type.
    pub name: &'static str,
    /// Name and stored value of each variant, in the order in which they are listed to people.
    pub variants: &'static [(&'static str, u64)],
}

impl EnumType {
    /// The value of a variant.
    pub fn value(&self, name: &str) -> Option<u64> {
        let found = self.variants.iter().find(|(variant, _)| *variant == name);
        found.map(|&(_, value)| value)
    }

    /// The name of a value, if it has one.
    pub fn variant(&self, value: u64) -> Option<&'static str> {
        let found = self.variants.iter().find(|&&(_, number)| number == value);
        found.map(|&(name, _)| name)
    }
}

/// Where a field lies in its layer's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An unsigned number of 1, 2, 4 or 8 bytes.
    Uint {
        /// Bytes from the start of the record.
        offset: usize,
        /// Bytes.
        width: usize,
        /// All ones mean that there is no value.
        nullable: bool,
    },
    /// A signed number of 8 bytes.
    Int {
        /// Bytes from the start of the record.
        offset: usize,
    },
    /// One bit of an unsigned number.
    Bit {
        /// Bytes from the start of the record.
        offset: usize,
        /// Bytes of the number.
        width: usize,
        /// The bit's value in it.
        mask: u64,
    },
    /// Text that ends at its first NUL or at its length; empty text is null.
    Text {
        /// Bytes from the start of the record.
        offset: usize,
        /// Bytes.
        len: usize,
    },
    /// A file, by two numbers.
    File {
        /// Where the 4-byte device number lies.
        dev: usize,
        /// Where the 8-byte inode number lies; all ones mean that there is no file.
        inode: usize,
    },
}

/// When the value of a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// From the operation's start: a predicate on it can keep the operation from being tracked.
    Start,
    /// At these points.
    At(&'static [&'static str]),
}

/// Where a value comes from, or could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The kernel can evaluate predicates on it.
    Kernel,
    /// Only user space can.
    User,
}

/// One typed field of a layer's spans and points.
#[derive(Debug)]
pub struct Field {
    /// The name in queries.
    pub name: &'static str,
    /// Type and unit.
    pub ty: Type,
    /// Where it is there.
    pub known: Known,
    /// The points whose hooks feed it, besides the point that is asked for.
    pub needs: &'static [&'static str],
    /// Its place in the record; `None` as long as no template of this build fills it.
    pub slot: Option<Slot>,
    /// Who can evaluate predicates on it.
    pub side: Side,
    /// What feeds it, besides the hooks of points.
    pub hooks: &'static [Hook],
    /// Only operations that are followed through the layers below have it,
    pub followed: bool,
    /// or one of these values.
    pub followed_values: &'static [u64],
    /// Of a file: the template tells in which directories it lies.
    pub in_directories: bool,
    /// One line for people.
    pub doc: &'static str,
}

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// With typed arguments (`tp_btf`).
    Typed,
    /// With bare arguments (`raw_tp`): tracepoints of modules, whose types the loader does not know.
    Raw,
    /// Where a function of the kernel itself is entered (`fentry`).
    Entry,
    /// Where it returns (`fexit`).
    Exit,
    /// Where a function is entered, that of a module too (kprobe).
    Probe,
    /// Where it returns (kretprobe).
    ExitProbe,
    /// In the code of QEMU, at or near the function, wherever it costs least (uprobe).
    Qemu,
}

impl Attach {
    /// To a function of the kernel, not to a tracepoint.
    pub fn is_function(self) -> bool {
        !matches!(self, Attach::Typed | Attach::Raw | Attach::Qemu)
    }

    /// By the last resort: where one interrupts another on its CPU, the kernel skips it.
    pub fn is_probe(self) -> bool {
        matches!(self, Attach::Probe | Attach::ExitProbe)
    }

    /// What the section of such a program is called, by convention.
    pub fn name(self) -> &'static str {
        match self {
            Attach::Typed => "tp_btf",
            Attach::Raw => "raw_tp",
            Attach::Entry => "fentry",
            Attach::Exit => "fexit",
            Attach::Probe => "kprobe",
            Attach::ExitProbe => "kretprobe",
            Attach::Qemu => "uprobe",
        }
    }
}

/// A kernel hook and the program that sits on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The tracepoint, as in tracefs and as `btf_trace_*`; or the function.
    pub target: &'static str,
    /// The program of the template object.
    pub program: &'static str,
    /// How the program is attached.
    pub attach: Attach,
    /// How many arguments the tracepoint may have, for the program to read them right; of functions, none.
    pub args: &'static [usize],
    /// What is lost on a kernel without it; `None` if the point cannot be observed at all then.
    pub without: Option<&'static str>,
    /// What is hooked where it is missing. If all of that is there and `without` is none, nothing is lost.
    pub instead: &'static [Hook],
    /// What brings it, if not what brings the other hooks of its layer.
    pub brought_by: Option<&'static str>,
    /// The filesystem whose it is: a kernel that has no such has no use for it.
    pub filesystem: Option<&'static str>,
    /// The values of the layer's field `event` that it tells of; empty: of all.
    pub events: &'static [u64],
}

impl Hook {
    /// A tracepoint of the kernel itself, which the point cannot do without.
    pub const fn typed(
        target: &'static str,
        program: &'static str,
        args: &'static [usize],
    ) -> Self {
        Self {
            target,
            program,
            attach: Attach::Typed,
            args,
            without: None,
            instead: &[],
            brought_by: None,
            filesystem: None,
            events: &[],
        }
    }

    /// A tracepoint of a module, which the point cannot do without.
    pub const fn raw(target: &'static str, program: &'static str, args: &'static [usize]) -> Self {
        Self {
            attach: Attach::Raw,
            ..Self::typed(target, program, args)
        }
    }

    /// The entry of one of the kernel's own functions.
    pub const fn entry(function: &'static str, program: &'static str) -> Self {
        Self {
            attach: Attach::Entry,
            ..Self::typed(function, program, &[])
        }
    }

    /// The return of one of the kernel's own functions.
    pub const fn exit(function: &'static str, program: &'static str) -> Self {
        Self {
            attach: Attach::Exit,
            ..Self::typed(function, program, &[])
        }
    }

    /// The entry of any function.
    pub const fn probe(function: &'static str, program: &'static str) -> Self {
        Self {
            attach: Attach::Probe,
            ..Self::typed(function, program, &[])
        }
    }

    /// The return of any function.
    pub const fn exit_probe(function: &'static str, program: &'static str) -> Self {
        Self {
            attach: Attach::ExitProbe,
            ..Self::typed(function, program, &[])
        }
    }

    /// A function of QEMU.
    pub const fn qemu(function: &'static str, program: &'static str) -> Self {
        Self {
            attach: Attach::Qemu,
            ..Self::typed(function, program, &[])
        }
    }

    /// The same, for these events only.
    pub const fn of(self, events: &'static [u64]) -> Self {
        Self { events, ..self }
    }

    /// The same, with others where it is missing.
    pub const fn or(self, instead: &'static [Hook]) -> Self {
        Self { instead, ..self }
    }

    /// The same, where a kernel without it is not refused: what is lost then.
    pub const fn or_lose(self, without: &'static str) -> Self {
        Self {
            without: Some(without),
            ..self
        }
    }

    /// The same, for the files of one filesystem.
    pub const fn on(self, filesystem: &'static str) -> Self {
        Self {
            filesystem: Some(filesystem),
            ..self
        }
    }

    /// Hooks on the same target, for other shapes of it.
    pub fn shapes(&self) -> impl Iterator<Item = &'static Hook> {
        let name = self.target;
        self.instead
            .iter()
            .filter(move |other| other.target == name)
    }

    /// Other targets that are hooked where this one is missing.
    pub fn substitutes(&self) -> impl Iterator<Item = &'static Hook> {
        let name = self.target;
        self.instead
            .iter()
            .filter(move |other| other.target != name)
    }

    /// The same, of a kind that came to the kernel late.
    pub const fn late(self) -> Self {
        Self {
            brought_by: Some("newer kernels have it"),
            ..self
        }
    }
}

/// A moment in the life of an operation.
#[derive(Debug)]
pub struct Point {
    /// The name in queries.
    pub name: &'static str,
    /// The value of `iotq_head.point`.
    pub id: u8,
    /// What feeds it; empty as long as this build has no template for it.
    pub hooks: &'static [Hook],
    /// One line for people.
    pub doc: &'static str,
}

/// A layer of the storage stack.
#[derive(Debug)]
pub struct Layer {
    /// The name in queries.
    pub name: &'static str,
    /// The value of `iotq_head.layer`.
    pub id: u8,
    /// One line for people.
    pub doc: &'static str,
    /// Its points, in the order of an operation's life; the span ends with the one that `end` names.
    pub points: &'static [Point],
    /// The point that ends the span: `trace LAYER` gives one row there.
    pub end: &'static str,
    /// Its fields, in the order in which they are listed to people.
    pub fields: &'static [Field],
    /// The fields that `trace LAYER` shows.
    pub columns: &'static [&'static str],
    /// Bytes of its record; `None` as long as this build has no template for the layer.
    pub record: Option<usize>,
    /// Bytes of its record if what it causes on other layers is followed; `None` if that cannot be.
    pub root: Option<usize>,
    /// Hooks that keep the template's books whatever is asked.
    pub upkeep: &'static [Hook],
    /// The modules that may hold the layer's tracepoints and types, where the kernel itself does not.
    pub modules: &'static [&'static str],
    /// The options of the kernel's configuration that bring its hooks.
    pub options: &'static [&'static str],
}

impl Layer {
    /// A point by name.
    pub fn point(&self, name: &str) -> Option<&'static Point> {
        self.points.iter().find(|point| point.name == name)
    }

    /// How many entries a table has that is indexed by a point's id.
    pub fn point_slots(&self) -> usize {
        let ids = self.points.iter().map(|point| usize::from(point.id) + 1);
        ids.max().unwrap_or(1)
    }

    /// All of its hooks: those of its points, those that keep the books, and those that only some fields need.
    pub fn hooks(&'static self) -> impl Iterator<Item = &'static Hook> {
        let points = self.points.iter().flat_map(|point| point.hooks);
        let fields = self.fields.iter().flat_map(|field| field.hooks);
        points.chain(self.upkeep).chain(fields)
    }

    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether its operations are what callers do inside their calls, which must be followed for it.
    pub fn is_of_callers(&self) -> bool {
        self.root.is_none() && self.upkeep == super::syscall::CALLERS
    }

    /// Whether its operations stand beside a call's requests: what its thread does, or what happens in the page cache.
    pub fn is_beside_calls(&self) -> bool {
        let layers = [
            &super::fs::LAYER,
            &super::cache::LAYER,
            &super::sched::LAYER,
        ];
        layers.iter().any(|layer| layer.id == self.id)
    }

    /// Whether its operations are those of guests, which nothing on this machine causes.
    pub fn is_of_guests(&self) -> bool {
        self.id == super::qemu::LAYER.id
    }

    /// The point that ends the span.
    pub fn end_point(&self) -> &'static Point {
        self.point(self.end)
            .expect("the catalogue's tests prove that `end` is a point of the layer")
    }
}

/// What the names of fields of a request's origin begin with.
pub const ORIGIN: &str = "origin.";

impl Field {
    /// Whether it tells of a request's origin, and not of who submitted it.
    pub fn is_of_origin(&self) -> bool {
        self.name.starts_with(ORIGIN)
    }

    /// Whether the probes know what it is `under`: processes and control groups of submitters and of origins.
    pub fn has_members(&self) -> bool {
        matches!(
            self.name.strip_prefix(ORIGIN).unwrap_or(self.name),
            "pid" | "cgroup"
        )
    }

    /// Whether the field has a value at a point.
    pub fn known_at(&self, point: &str) -> bool {
        match self.known {
            Known::Start => true,
            Known::At(points) => points.contains(&point),
        }
    }
}
