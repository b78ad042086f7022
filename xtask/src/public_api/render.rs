//! Types and signatures out of rustdoc's JSON, in one line.

use serde_json::Value;

/// `fn name<…>(…) -> … where …`.
pub(super) fn signature(name: &str, function: &Value) -> String {
    let asynchronous = match function["header"]["is_async"] == true {
        true => "async ",
        false => "",
    };
    let inputs: Vec<String> = array(&function["sig"]["inputs"])
        .map(|input| match input[0].as_str() {
            Some("self") => receiver(&input[1]),
            _ => ty(&input[1]),
        })
        .collect();
    let output = match &function["sig"]["output"] {
        Value::Null => String::new(),
        output => format!(" -> {}", ty(output)),
    };
    let (params, bounds) = split(&function["generics"]);
    format!(
        "{asynchronous}fn {name}{params}({}){output}{bounds}",
        inputs.join(", ")
    )
}

/// `<…> where …`.
pub(super) fn generics(generics: &Value) -> String {
    let (params, bounds) = split(generics);
    params + &bounds
}

fn split(generics: &Value) -> (String, String) {
    let params: Vec<String> = array(&generics["params"])
        .filter(|param| param["kind"]["type"]["is_synthetic"] != true)
        .map(|param| {
            let name = text(&param["name"]);
            let kind = &param["kind"];
            if let Some(constant) = kind.get("const") {
                return format!("const {name}: {}", ty(&constant["type"]));
            }
            let mut param = with_bounds(name, &kind["type"]["bounds"]);
            if let Some(default) = kind["type"].get("default").filter(|it| !it.is_null()) {
                param += &format!(" = {}", ty(default));
            }
            param
        })
        .collect();
    let bounds: Vec<String> = array(&generics["where_predicates"])
        .map(|predicate| {
            let bound = &predicate["bound_predicate"];
            match bound {
                Value::Null => predicate.to_string(),
                bound => with_bounds(ty(&bound["type"]), &bound["bounds"]),
            }
        })
        .collect();
    let params = match params.is_empty() {
        true => String::new(),
        false => format!("<{}>", params.join(", ")),
    };
    let bounds = match bounds.is_empty() {
        true => String::new(),
        false => format!(" where {}", bounds.join(", ")),
    };
    (params, bounds)
}

fn with_bounds(name: String, list: &Value) -> String {
    match bounds(list) {
        bounds if bounds.is_empty() => name,
        bounds => format!("{name}: {bounds}"),
    }
}

fn bounds(bounds: &Value) -> String {
    let bounds: Vec<String> = array(bounds)
        .map(|bound| {
            if let Some(bound) = bound.get("trait_bound") {
                let modifier = match bound["modifier"].as_str() {
                    Some("maybe") => "?",
                    _ => "",
                };
                format!("{modifier}{}", path(&bound["trait"]))
            } else if let Some(lifetime) = bound.get("outlives") {
                text(lifetime)
            } else {
                bound.to_string()
            }
        })
        .collect();
    bounds.join(" + ")
}

fn receiver(of: &Value) -> String {
    match ty(of).as_str() {
        "Self" => "self".to_owned(),
        "&Self" => "&self".to_owned(),
        "&mut Self" => "&mut self".to_owned(),
        other => format!("self: {other}"),
    }
}

/// A type. What is not known here stands as rustdoc writes it: still a line that
/// changes when it does.
pub(super) fn ty(of: &Value) -> String {
    let Some((kind, inner)) = of.as_object().and_then(|of| of.iter().next()) else {
        return match of.as_str() {
            Some("infer") => "_".to_owned(),
            _ => of.to_string(),
        };
    };
    match kind.as_str() {
        "resolved_path" => path(inner),
        "generic" | "primitive" => text(inner),
        "borrowed_ref" => {
            let lifetime = match inner["lifetime"].as_str() {
                Some(lifetime) => format!("{lifetime} "),
                None => String::new(),
            };
            let mutable = match inner["is_mutable"] == true {
                true => "mut ",
                false => "",
            };
            format!("&{lifetime}{mutable}{}", ty(&inner["type"]))
        }
        "tuple" => format!("({})", list(inner)),
        "slice" => format!("[{}]", ty(inner)),
        "array" => format!("[{}; {}]", ty(&inner["type"]), text(&inner["len"])),
        "impl_trait" => format!("impl {}", bounds(inner)),
        "dyn_trait" => {
            let traits: Vec<String> = array(&inner["traits"])
                .map(|it| path(&it["trait"]))
                .collect();
            format!("dyn {}", traits.join(" + "))
        }
        "qualified_path" => {
            let owner = ty(&inner["self_type"]);
            format!("{owner}::{}", text(&inner["name"]))
        }
        "function_pointer" => signature("", inner),
        _ => of.to_string(),
    }
}

/// The last segment of a path, however it was written, and its arguments.
pub(super) fn path(of: &Value) -> String {
    let whole = text(&of["path"]);
    let name = whole.rsplit("::").next().unwrap_or_default().to_owned();
    let args = &of["args"];
    if let Some(args) = args.get("parenthesized") {
        let output = match &args["output"] {
            Value::Null => String::new(),
            output => format!(" -> {}", ty(output)),
        };
        return format!("{name}({}){output}", list(&args["inputs"]));
    }
    let Some(args) = args.get("angle_bracketed") else {
        return name;
    };
    let mut inside: Vec<String> = array(&args["args"])
        .map(|arg| {
            if let Some(of) = arg.get("type") {
                ty(of)
            } else if let Some(lifetime) = arg.get("lifetime") {
                text(lifetime)
            } else {
                arg.to_string()
            }
        })
        .collect();
    for constraint in array(&args["constraints"]) {
        let name = text(&constraint["name"]);
        let binding = &constraint["binding"];
        inside.push(match binding.get("equality") {
            Some(equality) => format!("{name} = {}", ty(&equality["type"])),
            None => with_bounds(name, &binding["constraint"]),
        });
    }
    match inside.is_empty() {
        true => name,
        false => format!("{name}<{}>", inside.join(", ")),
    }
}

fn list(types: &Value) -> String {
    let types: Vec<String> = array(types).map(ty).collect();
    types.join(", ")
}

fn array(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().into_iter().flatten()
}

fn text(of: &Value) -> String {
    of.as_str().map_or_else(|| of.to_string(), str::to_owned)
}
