//! What may be granted of the permissions that are asked for.

use openai_codex_types::{
    AdditionalFileSystemPermissions, AdditionalNetworkPermissions, FileSystemAccessMode,
    FileSystemPath, FileSystemSandboxEntry, GrantedPermissionProfile, PathFileSystemPath,
    PermissionGrantScope, PermissionsRequestApprovalParams, PermissionsRequestApprovalResponse,
};

use super::error::HandlerError;

/// What is granted of the permissions that the agent asks for.
///
/// A grant is a part of what was asked: granting a path that was not asked for,
/// writing where reading was asked for, or the network when it was not, is
/// answered as an error, and nothing is granted. Paths are compared as they are
/// written: a folder inside of one that was asked for is another path, since it
/// may be a link to anywhere.
///
/// ```no_run
/// use openai_codex::{Handlers, PermissionGrant};
///
/// let handlers = Handlers::new().permissions_approval(|request, _cx| async move {
///     // Files yes, the network no.
///     PermissionGrant::files(&request)
/// });
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct PermissionGrant {
    permissions: GrantedPermissionProfile,
    scope: PermissionGrantScope,
    strict_auto_review: Option<bool>,
}

impl PermissionGrant {
    /// Grants nothing.
    pub fn none() -> Self {
        Self::of(GrantedPermissionProfile::new())
    }

    /// Grants all that was asked for.
    pub fn everything(request: &PermissionsRequestApprovalParams) -> Self {
        let mut grant = Self::files(request);
        grant.permissions.network = request.permissions.network.clone();
        grant
    }

    /// Grants the files that were asked for, and not the network.
    pub fn files(request: &PermissionsRequestApprovalParams) -> Self {
        let mut profile = GrantedPermissionProfile::new();
        profile.file_system = request.permissions.file_system.clone();
        Self::of(profile)
    }

    /// Grants the network if it was asked for, and no files.
    pub fn network(request: &PermissionsRequestApprovalParams) -> Self {
        let mut profile = GrantedPermissionProfile::new();
        profile.network = request.permissions.network.clone();
        Self::of(profile)
    }

    /// Grants this, which must be a part of what was asked for.
    pub fn of(permissions: GrantedPermissionProfile) -> Self {
        Self {
            permissions,
            scope: PermissionGrantScope::Turn,
            strict_auto_review: None,
        }
    }

    /// Grants it for the session instead of for the turn.
    pub fn for_session(mut self) -> Self {
        self.scope = PermissionGrantScope::Session;
        self
    }

    /// Has every later command of the turn reviewed before it runs in its
    /// sandbox.
    pub fn strict_auto_review(mut self, yes: bool) -> Self {
        self.strict_auto_review = Some(yes);
        self
    }

    pub(super) fn checked(
        self,
        request: &PermissionsRequestApprovalParams,
    ) -> Result<PermissionsRequestApprovalResponse, HandlerError> {
        let (asked, granted) = (&request.permissions, &self.permissions);
        check_network(asked.network.as_ref(), granted.network.as_ref())?;
        check_files(asked.file_system.as_ref(), granted.file_system.as_ref())?;
        let response = PermissionsRequestApprovalResponse::new(self.permissions).scope(self.scope);
        Ok(match self.strict_auto_review {
            Some(yes) => response.strict_auto_review(yes),
            None => response,
        })
    }
}

fn check_network(
    asked: Option<&AdditionalNetworkPermissions>,
    granted: Option<&AdditionalNetworkPermissions>,
) -> Result<(), HandlerError> {
    let is_on =
        |it: Option<&AdditionalNetworkPermissions>| it.and_then(|it| it.enabled) == Some(true);
    if is_on(granted) && !is_on(asked) {
        return Err(too_much("the network"));
    }
    Ok(())
}

fn check_files(
    asked: Option<&AdditionalFileSystemPermissions>,
    granted: Option<&AdditionalFileSystemPermissions>,
) -> Result<(), HandlerError> {
    let granted_entries = granted.map(entries).unwrap_or_default();
    let asked_entries = asked.map(entries).unwrap_or_default();
    let allows = |entry: &FileSystemSandboxEntry| entry.access != FileSystemAccessMode::Deny;
    if !granted_entries.iter().any(allows) {
        return Ok(());
    }
    for entry in granted_entries.iter().filter(|entry| allows(entry)) {
        let is_asked = asked_entries
            .iter()
            .any(|it| it.path == entry.path && covers(&it.access, &entry.access));
        if !is_asked {
            return Err(too_much(&shown(&entry.path)));
        }
    }
    // What was asked for with an exception is not granted without it.
    for exception in asked_entries.iter().filter(|entry| !allows(entry)) {
        if !granted_entries.contains(exception) {
            return Err(too_much(&shown(&exception.path)));
        }
    }
    // How deep patterns are looked for, exceptions included.
    let depth =
        |it: Option<&AdditionalFileSystemPermissions>| it.and_then(|it| it.glob_scan_max_depth);
    if depth(asked) != depth(granted) {
        return Err(too_much("another depth of patterns"));
    }
    Ok(())
}

/// Every entry, those of the older lists included.
fn entries(permissions: &AdditionalFileSystemPermissions) -> Vec<FileSystemSandboxEntry> {
    let mut entries = permissions.entries.clone().unwrap_or_default();
    for (paths, access) in [
        (&permissions.read, FileSystemAccessMode::Read),
        (&permissions.write, FileSystemAccessMode::Write),
    ] {
        for path in paths.iter().flatten() {
            let path = FileSystemPath::Path(PathFileSystemPath::new(path.clone()));
            entries.push(FileSystemSandboxEntry::new(access.clone(), path));
        }
    }
    entries
}

fn covers(asked: &FileSystemAccessMode, granted: &FileSystemAccessMode) -> bool {
    asked == granted
        || (*asked == FileSystemAccessMode::Write && *granted == FileSystemAccessMode::Read)
}

fn shown(path: &FileSystemPath) -> String {
    match path {
        FileSystemPath::Path(path) => path.path.0.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn too_much(what: &str) -> HandlerError {
    HandlerError::new(format!(
        "the handler granted more than was asked for: {what}"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(asked: Value, granted: Value, is_part: bool) {
        let request: PermissionsRequestApprovalParams = serde_json::from_value(json!({
            "threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 0, "cwd": "/w",
            "permissions": asked,
        }))
        .unwrap();
        let profile = serde_json::from_value(granted).unwrap();
        let checked = PermissionGrant::of(profile).checked(&request);
        assert_eq!(checked.is_ok(), is_part, "{checked:?}");
    }

    fn path(path: &str, access: &str) -> Value {
        json!({"path": {"type": "path", "path": path}, "access": access})
    }

    #[test]
    fn a_grant_is_a_part_of_what_was_asked() {
        let asked = json!({
            "network": {"enabled": true},
            "fileSystem": {"write": ["/a"], "entries": [path("/a", "write"), path("/b", "read")]},
        });
        check(asked.clone(), asked.clone(), true);
        check(asked.clone(), json!({}), true);
        check(asked.clone(), json!({"network": {"enabled": true}}), true);
        for (entry, is_part) in [
            (path("/a", "read"), true),
            (path("/b", "read"), true),
            (path("/b", "write"), false),
            (path("/", "read"), false),
            (path("/a/../etc", "write"), false),
            (path("/a/link", "write"), false),
            (
                json!({"path": {"type": "special", "value": {"kind": "root"}}, "access": "read"}),
                false,
            ),
            (
                json!({"path": {"type": "from the future"}, "access": "read"}),
                false,
            ),
        ] {
            check(
                asked.clone(),
                json!({"fileSystem": {"entries": [entry]}}),
                is_part,
            );
        }
        check(
            asked.clone(),
            json!({"fileSystem": {"write": ["/a"]}}),
            true,
        );
        check(asked, json!({"fileSystem": {"write": ["/b"]}}), false);
        check(json!({}), json!({"network": {"enabled": true}}), false);
        check(
            json!({"network": {"enabled": false}}),
            json!({"network": {"enabled": true}}),
            false,
        );
    }

    #[test]
    fn an_exception_cannot_be_left_out() {
        let asked = json!({"fileSystem": {
            "entries": [path("/a", "write"), path("/a/secret", "deny")], "globScanMaxDepth": 3,
        }});
        check(asked.clone(), asked.clone(), true);
        check(
            asked.clone(),
            json!({"fileSystem": {"entries": [path("/a", "write")], "globScanMaxDepth": 3}}),
            false,
        );
        check(
            asked.clone(),
            json!({"fileSystem": {"entries": [path("/a", "write"), path("/a/secret", "deny")]}}),
            false,
        );
        check(
            asked,
            json!({"fileSystem": {"entries": [path("/a/secret", "deny")]}}),
            true,
        );
    }
}
