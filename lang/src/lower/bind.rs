//! Binding: the machine's names get their meaning, and the filters are split anew.

use iotq_probes::abi;
use iotq_probes::catalogue::{Field, Slot, Type};

use super::{fit, groups};
use crate::ir::{CompareOp, Expr, ExprKind, FieldRef, NameId};
use crate::plan::{Meaning, Plan};
use crate::source::Span;
use crate::value::Const;

impl Plan {
    /// The plan for a machine on which the names mean this, in their order.
    ///
    /// A name without a meaning, or with one that does not suit the field, stays symbolic: it is null wherever it is read.
    #[must_use]
    pub fn bind(&self, meanings: &[Meaning]) -> Plan {
        let mut bound = self.clone();
        let mut replace = |expr: &Expr| meant(expr, meanings);
        for stream in bound
            .statements
            .iter_mut()
            .flat_map(|each| &mut each.streams)
        {
            if let Some(filter) = &mut stream.filter {
                *filter = filter.rewrite(&mut replace);
            }
            for column in &mut stream.columns {
                column.expr = column.expr.rewrite(&mut replace);
            }
            if let Some(groups) = &mut stream.groups {
                groups::rewrite(groups, &mut replace);
            }
        }
        let joins = bound
            .statements
            .iter_mut()
            .filter_map(|it| it.join.as_mut());
        for filter in joins.filter_map(|join| join.filter.as_mut()) {
            *filter = filter.rewrite(&mut replace);
        }
        fit::push_down(&mut bound);
        bound
    }

    /// The same plan with nothing decided or grouped in the kernel: for comparison.
    #[must_use]
    pub fn without_pushdown(mut self) -> Plan {
        fit::push_nothing(&mut self);
        self
    }
}

fn meant(expr: &Expr, meanings: &[Meaning]) -> Option<Expr> {
    let (ExprKind::Is(field, NameId(name)) | ExprKind::Under(field, NameId(name))) = expr.kind
    else {
        return None;
    };
    let test = Tests {
        field,
        span: expr.span,
    };
    let sector = field.layer.field("sector");
    match (meanings.get(name)?, field.field.ty) {
        (Meaning::Member(bit), Type::File) => test.lies_in(*bit),
        (Meaning::Member(bit), _) => {
            let bit = match field.field.is_of_origin() {
                true => bit.saturating_add(abi::IOTQ_MAX_MEMBERSHIPS as u8),
                false => *bit,
            };
            Some(Expr::condition(ExprKind::Member(bit), expr.span))
        }
        (Meaning::Pid(pid), Type::Pid) => Some(test.equals(*pid)),
        (Meaning::Cgroup(id), Type::Cgroup) => Some(test.equals(*id)),
        (Meaning::File { dev, inode }, Type::File) => test.file(*dev, *inode),
        (
            Meaning::Dev {
                own,
                disks,
                sectors,
                numbers,
            },
            Type::Dev,
        ) => Some(match (field.field.name, sector) {
            ("part", _) => test.one_of(own),
            ("dev", Some(sector)) => test.disks(disks, sector, *sectors),
            _ => test.one_of(numbers),
        }),
        _ => None,
    }
}

/// Makes the conditions that stand for a name.
struct Tests {
    field: FieldRef,
    span: Span,
}

impl Tests {
    fn equals(&self, value: impl Into<i128>) -> Expr {
        self.field_equals(self.field, value)
    }

    fn field_equals(&self, field: FieldRef, value: impl Into<i128>) -> Expr {
        let left = Expr::field(field, self.span);
        let right = Expr::constant(Const::Int(value.into()), left.ty, self.span);
        let kind = ExprKind::Compare(CompareOp::Eq, Box::new(left), Box::new(right));
        Expr::condition(kind, self.span)
    }

    /// Both numbers.
    fn file(&self, dev: u32, inode: u64) -> Option<Expr> {
        let (dev_field, inode_field) = self.parts()?;
        let both = vec![
            self.field_equals(dev_field, dev),
            self.field_equals(inode_field, inode),
        ];
        Some(Expr::all(both, self.span))
    }

    /// The bit that tells that the file lies in a directory; null where there is no file, as is a comparison with it.
    fn lies_in(&self, bit: u8) -> Option<Expr> {
        let (_, inode) = self.parts()?;
        let inode = Expr::field(inode, self.span);
        let zero = Expr::constant(Const::Int(0), inode.ty, self.span);
        let never = ExprKind::Compare(CompareOp::Lt, Box::new(inode), Box::new(zero));
        let either = [ExprKind::Member(bit), never].map(|kind| Expr::condition(kind, self.span));
        Some(Expr::any(either.into(), self.span))
    }

    /// Of a file, the fields that read the slots of its device and its inode.
    fn parts(&self) -> Option<(FieldRef, FieldRef)> {
        let Some(Slot::File { dev, inode }) = self.field.field.slot else {
            return None;
        };
        let part = |at: usize| {
            let reads = |slot| matches!(slot, Some(Slot::Uint { offset, .. }) if offset == at);
            let mut fields = self.field.layer.fields.iter();
            let field = fields.find(|field| reads(field.slot))?;
            Some(FieldRef {
                field,
                ..self.field
            })
        };
        Some((part(dev)?, part(inode)?))
    }

    /// Whole disks, or of a partition its range of each.
    fn disks(&self, disks: &[u32], sector: &'static Field, sectors: Option<(u64, u64)>) -> Expr {
        let disks = self.one_of(disks);
        let Some((first, last)) = sectors else {
            return disks;
        };
        let sector = FieldRef {
            field: sector,
            ..self.field
        };
        Expr::all(vec![disks, self.between(sector, first, last)], self.span)
    }

    fn one_of(&self, numbers: &[u32]) -> Expr {
        if let [number] = numbers {
            return self.equals(*number);
        }
        let numbers = numbers.iter().map(|&number| Const::Int(number.into()));
        let value = Box::new(Expr::field(self.field, self.span));
        Expr::condition(ExprKind::In(value, numbers.collect()), self.span)
    }

    fn between(&self, field: FieldRef, low: u64, high: u64) -> Expr {
        let value = Expr::field(field, self.span);
        let bound = |at: u64| Box::new(Expr::constant(Const::Int(at.into()), value.ty, self.span));
        let (low, high) = (bound(low), bound(high));
        Expr::condition(ExprKind::Between(Box::new(value), low, high), self.span)
    }
}
