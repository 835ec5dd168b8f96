//! What the types cannot say about the catalogue.

use super::*;

#[test]
fn layers_are_consistent() {
    for layer in LAYERS {
        assert!(
            layer.point(layer.end).is_some(),
            "{}: the end is a point",
            layer.name
        );
        for column in layer.columns {
            let field = layer
                .field(column)
                .unwrap_or_else(|| panic!("{}.{column} is a column", layer.name));
            assert!(
                field.known_at(layer.end),
                "{}.{column} is known at the end",
                layer.name
            );
        }
        for field in layer.fields {
            let named = |point: &&str| layer.point(point).is_some();
            assert!(
                field.needs.iter().all(named),
                "{}.{} needs points",
                layer.name,
                field.name
            );
            if let Known::At(points) = field.known {
                assert!(
                    points.iter().all(named),
                    "{}.{} is known at points",
                    layer.name,
                    field.name
                );
            }
            assert!(
                field.known_at(layer.end),
                "{}.{} is known at the end",
                layer.name,
                field.name
            );
            assert_eq!(
                field.slot.is_some(),
                layer.record.is_some(),
                "{}.{} has a slot",
                layer.name,
                field.name
            );
        }
    }
}

#[test]
fn options_bring_the_hooks_of_layers() {
    for layer in LAYERS {
        assert_eq!(
            layer.options.is_empty(),
            layer.record.is_none(),
            "{}",
            layer.name
        );
        let named = |option: &&str| option.starts_with("CONFIG_");
        assert!(layer.options.iter().all(named), "{}", layer.name);
    }
}

#[test]
fn names_and_numbers_are_unique() {
    fn unique<T: Ord + std::fmt::Debug>(mut all: Vec<T>) {
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
    }
    unique(LAYERS.iter().map(|layer| layer.name).collect());
    unique(LAYERS.iter().map(|layer| layer.id).collect());
    for layer in LAYERS {
        unique(layer.points.iter().map(|point| point.name).collect());
        unique(layer.points.iter().map(|point| point.id).collect());
        unique(layer.fields.iter().map(|field| field.name).collect());
        for field in layer.fields {
            if let Type::Enum(list) = field.ty {
                unique(list.variants.iter().map(|(name, _)| name).collect());
                unique(list.variants.iter().map(|(_, value)| value).collect());
            }
        }
    }
}

#[test]
fn slots_lie_inside_their_record() {
    for layer in LAYERS {
        let Some(size) = layer.record else { continue };
        for field in layer.fields {
            let end = match field.slot {
                Some(Slot::Uint { offset, width, .. } | Slot::Bit { offset, width, .. }) => {
                    offset + width
                }
                Some(Slot::Int { offset }) => offset + 8,
                Some(Slot::Text { offset, len }) => offset + len,
                Some(Slot::File { dev, inode }) => (dev + 4).max(inode + 8),
                None => 0,
            };
            let size = if field.followed {
                layer.root.unwrap_or(0)
            } else {
                size
            };
            assert!(end <= size, "{}.{}", layer.name, field.name);
        }
    }
}
