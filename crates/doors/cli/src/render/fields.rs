//! Fields that a template asks for and that the document does not have.
//!
//! Docker's documents are structures and maps. A field that a structure does not have is a mistake of whoever wrote the
//! template; a key that a map does not have is `<no value>`. Both arrive here as maps, so the names of the free ones
//! are listed. Docker's templates also know the name that a field has in Go, where it differs from the one in JSON, and
//! the empty value of a field that JSON leaves out.

use gotmpl::{Template, TemplateError, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Maps whose keys people choose.
const FREE: &[&str] = &[
    "Annotations",
    "Attributes",
    "AuxiliaryAddresses",
    "Containers",
    "DriverOpts",
    "ExposedPorts",
    "Labels",
    "Networks",
    "Options",
    "PortBindings",
    "Ports",
    "Runtimes",
    "StorageOpt",
    "Sysctls",
    "Tmpfs",
    "Volumes",
];

/// Names in Go, and in JSON.
const GO_NAMES: &[(&str, &str)] = &[
    ("APIVersion", "ApiVersion"),
    ("CPUPeriod", "CpuPeriod"),
    ("CPUQuota", "CpuQuota"),
    ("CPUShares", "CpuShares"),
    ("DNS", "Dns"),
    ("DNSOptions", "DnsOptions"),
    ("DNSSearch", "DnsSearch"),
    ("ID", "Id"),
    ("ID", "id"),
    ("NanoCPUs", "NanoCpus"),
    ("Scope", "scope"),
    ("Time", "time"),
    ("TimeNano", "timeNano"),
];

/// Fields that Docker's JSON leaves out when they are empty: the structure, the field, and its empty value in Go.
const EMPTY: &[(&str, &str, Empty)] = &[
    ("Config", "ExposedPorts", Empty::Map),
    ("Config", "Healthcheck", Empty::Nil),
    ("Config", "MacAddress", Empty::Text),
    ("Config", "Shell", Empty::List),
    ("Config", "StopSignal", Empty::Text),
    ("Config", "StopTimeout", Empty::Nil),
    ("HostConfig", "Annotations", Empty::Map),
    ("HostConfig", "Init", Empty::Nil),
    ("HostConfig", "Mounts", Empty::List),
    ("HostConfig", "StorageOpt", Empty::Map),
    ("HostConfig", "Sysctls", Empty::Map),
    ("HostConfig", "Tmpfs", Empty::Map),
    ("State", "Health", Empty::Nil),
    ("", "SizeRootFs", Empty::Nil),
    ("", "SizeRw", Empty::Nil),
];

/// An empty value in Go.
#[derive(Clone, Copy)]
enum Empty {
    Map,
    List,
    Text,
    Nil,
}

impl Empty {
    fn value(self) -> Value {
        match self {
            Self::Map => Value::Map(Arc::default()),
            Self::List => Value::List(Arc::new([])),
            Self::Text => Value::String(Arc::from("")),
            Self::Nil => Value::Nil,
        }
    }

    /// The same, but for what is nil: an empty structure.
    fn probe(self) -> Value {
        if matches!(self, Self::Nil) { Self::Map.value() } else { self.value() }
    }
}

/// How many different missing keys of free maps a template may name.
const KEYS_MAX: usize = 32;

/// Fills in the values; a field that is not there is an error unless it is a key of a free map.
pub(super) fn execute(template: &Template, data: &Value) -> Result<String, TemplateError> {
    let strict = template.clone().missing_key(gotmpl::MissingKey::Error);
    // What is shown at the end, and what tells which fields are asked for: there, free maps have every key, and what
    // is nil is an empty structure, which has no fields but is as false.
    let (mut shown, mut probed) = (data.clone(), data.clone());
    let mut free = BTreeSet::new();
    for asked in 0..KEYS_MAX {
        let key = match strict.execute_to_string(&probed) {
            Err(TemplateError::MissingKey { key }) => key,
            Ok(_) if asked > 0 => return template.execute_to_string(&shown),
            done => return done,
        };
        if let Some(with_name) = with_go_name(&shown, &key) {
            shown = with_name;
            probed = with_go_name(&probed, &key).unwrap_or(probed);
        } else if let Some(with_empty_field) = with_empty(&shown, &key, Empty::value) {
            shown = with_empty_field;
            probed = with_empty(&probed, &key, Empty::probe).unwrap_or(probed);
        } else if free.insert(key.clone()) {
            probed = with_free_key(&probed, &key, false);
        } else {
            return Err(TemplateError::MissingKey { key });
        }
    }
    strict.execute_to_string(&probed)
}

/// All names of fields below `data`, for a suggestion.
pub(super) fn names(data: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(data, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Map(fields) => {
            for (name, value) in fields.iter() {
                found.insert(name.to_string());
                collect(value, found);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// The same with the field `name` in every structure that has it under its name in JSON; `None` when none has.
fn with_go_name(value: &Value, name: &str) -> Option<Value> {
    let known: Vec<&str> = GO_NAMES.iter().filter(|(go, _)| *go == name).map(|(_, json)| *json).collect();
    let mut changed = false;
    let whole = rebuilt(value, &mut |fields: &mut BTreeMap<Arc<str>, Value>| {
        let found = known.iter().find_map(|json| fields.get(*json).cloned());
        if let Some(found) = found.filter(|_| !fields.contains_key(name)) {
            fields.insert(Arc::from(name), found);
            changed = true;
        }
    });
    changed.then_some(whole)
}

/// The same with the empty value of a field that Docker leaves out; `None` when there is no such field or it is there.
fn with_empty(data: &Value, name: &str, value: fn(Empty) -> Value) -> Option<Value> {
    let (parent, _, empty) = EMPTY.iter().find(|(_, field, _)| *field == name)?;
    let Value::Map(top) = data else { return None };
    let mut top = BTreeMap::clone(top);
    let added =
        |fields: &mut BTreeMap<Arc<str>, Value>| fields.insert(Arc::from(name), value(*empty)).is_none();
    let changed = if parent.is_empty() {
        added(&mut top)
    } else if let Some(Value::Map(inner)) = top.get(*parent) {
        let mut inner = BTreeMap::clone(inner);
        let changed = added(&mut inner);
        top.insert(Arc::from(*parent), Value::Map(Arc::new(inner)));
        changed
    } else {
        false
    };
    changed.then(|| Value::Map(Arc::new(top)))
}

/// The same with a nil under `key` in every free map that does not have it.
fn with_free_key(value: &Value, key: &str, free: bool) -> Value {
    match value {
        Value::Map(fields) => {
            let mut fields: BTreeMap<Arc<str>, Value> = fields
                .iter()
                .map(|(name, value)| {
                    (Arc::clone(name), with_free_key(value, key, FREE.contains(&name.as_ref())))
                })
                .collect();
            if free {
                fields.entry(Arc::from(key)).or_insert(Value::Nil);
            }
            Value::Map(Arc::new(fields))
        }
        Value::List(items) => Value::List(items.iter().map(|item| with_free_key(item, key, false)).collect()),
        other => other.clone(),
    }
}

/// The same with every map changed, innermost first.
fn rebuilt(value: &Value, change: &mut impl FnMut(&mut BTreeMap<Arc<str>, Value>)) -> Value {
    match value {
        Value::Map(fields) => {
            let mut fields: BTreeMap<Arc<str>, Value> =
                fields.iter().map(|(name, value)| (Arc::clone(name), rebuilt(value, change))).collect();
            change(&mut fields);
            Value::Map(Arc::new(fields))
        }
        Value::List(items) => Value::List(items.iter().map(|item| rebuilt(item, change)).collect()),
        other => other.clone(),
    }
}
