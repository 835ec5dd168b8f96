//! The border to native code: who owns it, how it is entered, and what of ours it calls. All that is unsafe is here.

#![expect(
    unsafe_code,
    reason = "native code is entered through bare pointers, and hands them to what it calls"
)]

use std::cmp::Ordering;
use std::mem::{ManuallyDrop, MaybeUninit, transmute};
use std::ptr::with_exposed_provenance;
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cranelift_codegen::ir::{Type, types};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::FuncId;
use iotq_lang::eval::matches;
use iotq_lang::value::Value;

/// Bytes of room for texts that a function makes.
pub(super) const ROOM: usize = 256;

/// Where native code leaves a value: an integer's halves, the bits of a number, place and length of a text, two numbers.
type Cell = [u64; 2];

/// Takes a record, a cell for the value and room for texts; says whether there is a value, or whether a condition holds.
type Entry = unsafe extern "C" fn(*const u8, *mut Cell, *mut [u8; ROOM]) -> u8;

/// What a function leaves in the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Text,
    File,
}

/// A function that is defined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub id: FuncId,
    pub kind: Kind,
    /// It reads so many bytes of a record at most.
    pub record: usize,
    /// It makes texts, in the room.
    pub makes: bool,
}

/// The memory of compiled functions.
pub(super) struct Code(Mutex<ManuallyDrop<JITModule>>);

impl Code {
    /// Memory for functions.
    pub fn new(module: JITModule) -> Arc<Self> {
        Arc::new(Self(Mutex::new(ManuallyDrop::new(module))))
    }

    /// What defines them.
    pub fn module(&self) -> MutexGuard<'_, ManuallyDrop<JITModule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A function that is defined here and final.
    pub fn function(self: &Arc<Self>, draft: Draft) -> Function {
        let start = self.module().get_finalized_function(draft.id);
        // SAFETY: the compiler gives this signature, in the convention of this platform, to every function that it
        // defines, and `code` keeps it where it is.
        let entry = unsafe { transmute::<*const u8, Entry>(start) };
        let code = Arc::clone(self);
        Function { entry, draft, code }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        let module = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the module is not used again. Every `Function` holds this code, so none is left that could be entered.
        unsafe { ManuallyDrop::take(module).free_memory() }
    }
}

/// A compiled expression over the records of one layer.
#[derive(Clone)]
pub struct Function {
    entry: Entry,
    draft: Draft,
    #[expect(dead_code, reason = "keeps the memory that `entry` points to")]
    code: Arc<Code>,
}

impl Function {
    /// Whether a condition holds for a record; `None` if the record is shorter than what it reads.
    #[inline]
    pub fn holds(&self, record: &[u8]) -> Option<bool> {
        self.run(
            record,
            &mut MaybeUninit::uninit(),
            &mut MaybeUninit::uninit(),
        )
    }

    /// The value for a record; `None` if the record is shorter than what it reads.
    pub fn value<'a>(&'a self, record: &'a [u8]) -> Option<Value<'a>> {
        let (mut cell, mut room) = (MaybeUninit::new([0; 2]), MaybeUninit::uninit());
        if !self.run(record, &mut cell, &mut room)? {
            return Some(Value::Null);
        }
        // SAFETY: it has been given a value above.
        let [first, second] = unsafe { cell.assume_init() };
        Some(match self.draft.kind {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(first != 0),
            Kind::Int => Value::Int(joined(first, second)),
            Kind::Float => Value::Float(f64::from_bits(first)),
            Kind::File => Value::File {
                dev: first as u32,
                inode: second,
            },
            Kind::Text => {
                // SAFETY: the code leaves the place and length of a text in the record, in its constants, which `self`
                // keeps, or in the room; and then it is copied.
                let text = unsafe { bytes(with_exposed_provenance(first as usize), second) };
                if self.draft.makes {
                    Value::Owned(text.to_vec())
                } else {
                    Value::Text(text)
                }
            }
        })
    }

    #[inline]
    fn run(
        &self,
        record: &[u8],
        cell: &mut MaybeUninit<Cell>,
        room: &mut MaybeUninit<[u8; ROOM]>,
    ) -> Option<bool> {
        if record.len() < self.draft.record {
            return None;
        }
        let (record, cell, room) = (record.as_ptr(), cell.as_mut_ptr(), room.as_mut_ptr());
        record.expose_provenance();
        room.expose_provenance();
        // SAFETY: the code reads no further than a record of this length goes, and writes the cell and the room;
        // `self.code` keeps it where it is.
        Some(unsafe { (self.entry)(record, cell, room) != 0 })
    }
}

/// What native code calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Helper {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Bucket,
    Float,
    Floor,
    Modulo,
    Length,
    Compare,
    Glob,
    Lower,
    Among,
}

/// Name, place, arguments and result of each, in their order.
pub(super) type Signature = (&'static str, *const u8, &'static [Type], Option<Type>);

const WORD: Type = types::I64;
const WIDE: &[Type] = &[WORD; 5];

/// All of them.
pub(super) fn helpers() -> [Signature; 14] {
    let flag = Some(types::I8);
    [
        ("add", add as *const u8, WIDE, flag),
        ("sub", sub as *const u8, WIDE, flag),
        ("mul", mul as *const u8, WIDE, flag),
        ("div", div as *const u8, WIDE, flag),
        ("rem", rem as *const u8, WIDE, flag),
        ("bucket", bucket as *const u8, WIDE, flag),
        ("float", float as *const u8, &[WORD; 2], Some(types::F64)),
        ("floor", floor as *const u8, &[types::F64], Some(types::F64)),
        (
            "modulo",
            modulo as *const u8,
            &[types::F64; 2],
            Some(types::F64),
        ),
        ("length", length as *const u8, &[WORD; 2], Some(WORD)),
        ("compare", compare as *const u8, &[WORD; 4], Some(WORD)),
        ("glob", glob as *const u8, &[WORD; 4], flag),
        ("lower", lower as *const u8, &[WORD; 3], None),
        ("among", among as *const u8, &[WORD; 4], flag),
    ]
}

/// Names the helpers to the code that will call them.
pub(super) fn register(builder: &mut JITBuilder) {
    for (name, place, ..) in helpers() {
        builder.symbol(name, place);
    }
}

/// The number of two halves, the lower one first.
fn joined(low: u64, high: u64) -> i128 {
    (u128::from(high) << 64 | u128::from(low)) as i128
}

/// # Safety
///
/// So many bytes lie there as long as `'a`, and nobody changes them.
unsafe fn bytes<'a>(start: *const u8, length: u64) -> &'a [u8] {
    // SAFETY: as above.
    unsafe { slice::from_raw_parts(start, length as usize) }
}

/// Defines operations on 128 bits: halves of two operands, and the place of the result, which has one if they say 1.
macro_rules! wide {
    ($($name:ident: |$left:ident, $right:ident| $result:expr;)*) => {$(
        unsafe extern "C" fn $name(low: u64, high: u64, other_low: u64, other_high: u64, result: *mut Cell) -> u8 {
            let ($left, $right) = (joined(low, high), joined(other_low, other_high));
            let value: Option<i128> = $result;
            let bits = value.unwrap_or(0) as u128;
            // SAFETY: the caller gives a place for two words.
            unsafe { result.write([bits as u64, (bits >> 64) as u64]) };
            value.is_some().into()
        }
    )*};
}

wide! {
    add: |left, right| left.checked_add(right);
    sub: |left, right| left.checked_sub(right);
    mul: |left, right| left.checked_mul(right);
    div: |left, right| left.checked_div(right);
    rem: |left, right| left.checked_rem(right);
    bucket: |value, width| if width > 0 {
        value.checked_sub(value.rem_euclid(width))
    } else {
        None
    };
}

extern "C" fn float(low: u64, high: u64) -> f64 {
    joined(low, high) as f64
}

extern "C" fn floor(value: f64) -> f64 {
    value.floor()
}

extern "C" fn modulo(left: f64, right: f64) -> f64 {
    left % right
}

/// Of a text that ends at its first NUL or after `most` bytes.
unsafe extern "C" fn length(start: *const u8, most: u64) -> u64 {
    // SAFETY: the caller gives the place and size of a text.
    let text = unsafe { bytes(start, most) };
    text.iter()
        .position(|&byte| byte == 0)
        .unwrap_or(text.len()) as u64
}

/// Less than zero, zero, or more.
unsafe extern "C" fn compare(start: *const u8, length: u64, other: *const u8, size: u64) -> i64 {
    // SAFETY: the caller gives places and lengths of two texts.
    let (left, right) = unsafe { (bytes(start, length), bytes(other, size)) };
    match left.cmp(right) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

unsafe extern "C" fn glob(glob: *const u8, size: u64, start: *const u8, length: u64) -> u8 {
    // SAFETY: the caller gives places and lengths of a glob and a text.
    let (glob, text) = unsafe { (bytes(glob, size), bytes(start, length)) };
    matches(glob, text).into()
}

unsafe extern "C" fn lower(start: *const u8, length: u64, to: *mut u8) {
    for at in 0..length as usize {
        // SAFETY: the caller gives the place and length of a text, and room for as many bytes that is apart from it.
        unsafe { to.add(at).write(start.add(at).read().to_ascii_lowercase()) };
    }
}

/// Whether a number is in a sorted set.
unsafe extern "C" fn among(set: *const [u8; 16], length: u64, low: u64, high: u64) -> u8 {
    // SAFETY: the caller gives the place and length of a set of numbers.
    let set = unsafe { slice::from_raw_parts(set, length as usize) };
    let value = joined(low, high);
    set.binary_search_by_key(&value, |item| i128::from_ne_bytes(*item))
        .is_ok()
        .into()
}
