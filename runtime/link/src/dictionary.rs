//! What a guest calls the numbers in its records, as far as it has told.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use iotq_engine::Names;

use crate::message::{Named, What};

/// The most bytes of names that are kept of one guest. The numbers of others are shown as they are.
const ROOM: usize = 8 << 20;

/// What each name takes besides its bytes.
const EACH: usize = 64;

/// The longest name: that of a path.
const LONGEST: usize = 4096;

/// Names that a guest has told. Its clones share them.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    known: Rc<RefCell<Known>>,
    /// What the guest is called in its rows.
    guest: Rc<str>,
}

#[derive(Debug, Default)]
struct Known {
    names: HashMap<What, String>,
    bytes: usize,
}

impl Dictionary {
    /// Without names, of a guest that is called so.
    pub fn of(guest: &str) -> Self {
        Self {
            known: Rc::default(),
            guest: guest.into(),
        }
    }

    /// Takes names, as many as there is room for.
    pub fn learn(&self, names: Vec<Named>) {
        let mut known = self.known.borrow_mut();
        for Named { what, name } in names {
            let more = name.len() + EACH;
            let new = !known.names.contains_key(&what);
            if new && name.len() <= LONGEST && known.bytes + more <= ROOM {
                known.bytes += more;
                known.names.insert(what, name);
            }
        }
    }

    fn name(&self, what: What) -> Option<Cow<'_, str>> {
        self.known
            .borrow()
            .names
            .get(&what)
            .cloned()
            .map(Cow::Owned)
    }
}

impl Names for Dictionary {
    fn dev(&self, number: u32) -> Option<Cow<'_, str>> {
        self.name(What::Dev(number))
    }

    fn file(&self, dev: u32, inode: u64) -> Option<Cow<'_, str>> {
        self.name(What::File(dev, inode))
    }

    fn cgroup(&self, id: u64) -> Option<Cow<'_, str>> {
        self.name(What::Cgroup(id))
    }

    fn guest(&self) -> Option<&str> {
        Some(&self.guest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_numbers() {
        let dictionary = Dictionary::of("vm1");
        let named = |what, name: &str| Named {
            what,
            name: name.into(),
        };
        let vda = named(What::Dev(7), "vda");
        let again = named(What::Dev(7), "vdb");
        dictionary.learn(vec![vda, again, named(What::File(7, 9), "/x")]);
        assert_eq!(dictionary.dev(7).as_deref(), Some("vda"));
        assert_eq!(dictionary.file(7, 9).as_deref(), Some("/x"));
        assert_eq!(dictionary.cgroup(7), None);
        assert_eq!(dictionary.guest(), Some("vm1"));
    }

    #[test]
    fn there_is_room_for_so_many() {
        let dictionary = Dictionary::of("vm1");
        for number in 0..100 {
            let names = (0..1000).map(|more| Named {
                what: What::Cgroup(number * 1000 + more),
                name: "x".repeat(1000),
            });
            dictionary.learn(names.collect());
        }
        let known = dictionary.known.borrow();
        assert!(known.bytes <= ROOM && known.names.len() > 7000);
    }
}
