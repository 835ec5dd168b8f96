//! Machine code, followed from the entry of a function: what it loads by way of its arguments, and where it can be hooked
//! at little cost.

use iced_x86::{
    Code as Opcode, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory,
    Mnemonic, OpAccess, OpKind, Register,
};

/// Accessors are short. What is not found in so many instructions is not there.
const MOST_STEPS: usize = 48;
/// An instruction has no more bytes.
const LONGEST: usize = 15;

/// Where code is read from.
pub(super) trait Code {
    /// The bytes at an address, as many as there are up to a count.
    fn bytes(&self, address: u64, count: usize) -> Option<Vec<u8>>;

    /// Where an exported function or variable begins.
    fn symbol(&self, name: &str) -> Option<u64>;
}

/// Something that was reached from an argument of the function: through loads at these offsets, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// The register of the argument.
    pub argument: Register,
    /// Bytes from what was reached before.
    pub loads: Vec<u32>,
    /// What has been added since.
    added: u32,
}

/// What a function does that is of interest here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It reads memory.
    Load {
        /// Where.
        at: Reached,
        /// Bytes.
        width: usize,
        /// If it asks for these bits only.
        mask: Option<u32>,
    },
    /// It reads a variable.
    Global(u64),
    /// It calls a function, or goes on with it.
    Call {
        /// The second argument.
        second: Option<Reached>,
        /// The fourth argument.
        fourth: Option<Reached>,
    },
}

/// Follows a function on its way straight on, and into the one that it ends with.
pub(super) fn steps(code: &impl Code, function: u64) -> Vec<Step> {
    let mut follower = Follower {
        known: ARGUMENTS.map(argument).to_vec(),
        info: InstructionInfoFactory::new(),
        steps: Vec::new(),
    };
    let mut at = function;
    for _ in 0..MOST_STEPS {
        let Some(next) = decode(code, at) else { break };
        follower.step(&next);
        at = match next.flow_control() {
            FlowControl::UnconditionalBranch => next.near_branch_target(),
            FlowControl::Next | FlowControl::ConditionalBranch | FlowControl::Call => {
                next.next_ip()
            }
            _ => break,
        };
    }
    follower.steps
}

fn decode(code: &impl Code, at: u64) -> Option<Instruction> {
    let bytes = code.bytes(at, LONGEST)?;
    let mut decoder = Decoder::with_ip(64, &bytes, at, DecoderOptions::NONE);
    let instruction = decoder.decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// By the calling convention.
const ARGUMENTS: [Register; 2] = [Register::RDI, Register::RSI];
/// What a called function may change.
const SCRATCH: [Register; 9] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];

fn argument(register: Register) -> (Register, Reached) {
    let reached = Reached {
        argument: register,
        loads: Vec::new(),
        added: 0,
    };
    (register, reached)
}

struct Follower {
    /// What stands in registers, by their whole names.
    known: Vec<(Register, Reached)>,
    info: InstructionInfoFactory,
    steps: Vec<Step>,
}

impl Follower {
    fn step(&mut self, it: &Instruction) {
        let loaded = self.load(it);
        let copied = (it.op_count() == 2 && it.op1_kind() == OpKind::Register)
            .then(|| self.in_register(it.op1_register()))
            .flatten();
        let value = match it.mnemonic() {
            Mnemonic::Mov if loaded.is_some() => loaded,
            Mnemonic::Movzx | Mnemonic::Movsxd => loaded,
            Mnemonic::Mov => copied,
            Mnemonic::Lea => self.place(it),
            _ => None,
        };
        if matches!(
            it.flow_control(),
            FlowControl::Call | FlowControl::UnconditionalBranch
        ) {
            self.steps.push(Step::Call {
                second: self.in_register(Register::RSI),
                fourth: self.in_register(Register::RCX),
            });
        }
        self.forget(it);
        if let Some(value) = value
            && it.op0_kind() == OpKind::Register
        {
            self.known.push((it.op0_register().full_register(), value));
        }
    }

    /// What an instruction reads of memory, as what will have been reached by it.
    fn load(&mut self, it: &Instruction) -> Option<Reached> {
        let reads = it.mnemonic() != Mnemonic::Lea && it.memory_size().size() > 0;
        if !reads || it.segment_prefix() != Register::None {
            return None;
        }
        if it.is_ip_rel_memory_operand() {
            self.steps.push(Step::Global(it.ip_rel_memory_address()));
            return None;
        }
        let mut at = self.place(it)?;
        at.loads.push(at.added);
        at.added = 0;
        let asked = it.mnemonic() == Mnemonic::Test && it.op1_kind() != OpKind::Register;
        self.steps.push(Step::Load {
            at: at.clone(),
            width: it.memory_size().size(),
            mask: asked.then(|| it.immediate32()),
        });
        Some(at)
    }

    /// The address of a memory operand. An index leads to another element of an array, which is like the first.
    fn place(&self, it: &Instruction) -> Option<Reached> {
        let mut at = self.in_register(it.memory_base())?;
        at.added = at
            .added
            .checked_add(u32::try_from(it.memory_displacement64()).ok()?)?;
        Some(at)
    }

    fn in_register(&self, register: Register) -> Option<Reached> {
        let whole = register.full_register();
        let mut known = self.known.iter();
        known
            .find(|(own, _)| *own == whole)
            .map(|(_, reached)| reached.clone())
    }

    /// What stood in the registers that an instruction changes is gone.
    fn forget(&mut self, it: &Instruction) {
        let called = it.flow_control() == FlowControl::Call;
        let changed = changed(&mut self.info, it);
        self.known
            .retain(|(own, _)| !(changed.contains(own) || called && SCRATCH.contains(own)));
    }
}

fn changed(info: &mut InstructionInfoFactory, it: &Instruction) -> Vec<Register> {
    let used = info.info(it).used_registers().iter();
    let writes = used.filter(|one| {
        !matches!(
            one.access(),
            OpAccess::Read | OpAccess::CondRead | OpAccess::None
        )
    });
    writes.map(|one| one.register().full_register()).collect()
}

/// The first place from an address on where a hook costs least: one that the kernel emulates, where it must let the process
/// step over another instruction. On the way, these registers must not change; if there is no such place, the address.
pub(super) fn cheapest(code: &impl Code, from: u64, needed: &[Register]) -> u64 {
    let mut info = InstructionInfoFactory::new();
    let mut at = from;
    for _ in 0..MOST_STEPS {
        let Some(next) = decode(code, at) else { break };
        if is_emulated(&next) {
            return at;
        }
        let changed = changed(&mut info, &next);
        if next.flow_control() != FlowControl::Next
            || needed.iter().any(|register| changed.contains(register))
        {
            break;
        }
        at = next.next_ip();
    }
    from
}

/// Whether the kernel emulates an instruction that it is hooked at.
fn is_emulated(it: &Instruction) -> bool {
    let push = matches!(it.code(), Opcode::Push_r64);
    let jump = it.is_jmp_short_or_near() || it.is_jcc_short_or_near() || it.is_call_near();
    push || jump || it.code() == Opcode::Nopd
}

/// Where a function calls another one: the place behind it, and the register that the first argument was taken from.
pub(super) fn call_of(code: &impl Code, function: u64, called: u64) -> Option<(u64, Register)> {
    /// Of the functions that are asked for, all is nearer.
    const LENGTH: usize = 512;
    let bytes = code.bytes(function, LENGTH)?;
    let mut first = None;
    for it in Decoder::with_ip(64, &bytes, function, DecoderOptions::NONE).iter() {
        if it.is_call_near() && it.near_branch_target() == called {
            return Some((it.next_ip(), first?));
        }
        let own = it.op_count() == 2 && it.op0_register() == Register::RDI;
        match it.mnemonic() {
            Mnemonic::Mov if own && it.op1_kind() == OpKind::Register => {
                first = Some(it.op1_register());
            }
            _ if own || it.flow_control() != FlowControl::Next => first = None,
            _ => {}
        }
    }
    None
}
