//! What a request of the agent's asks for, in words.

use openai_codex::types::{
    CommandExecutionApprovalDecision, CommandExecutionApprovalKind,
    CommandExecutionRequestApprovalParams,
};

/// All that accepting the request allows; the command, which may be long, comes last. `None` if
/// it is more than is shown, such as input for a running command or additional permissions.
pub(crate) fn all_of(request: &CommandExecutionRequestApprovalParams) -> Option<String> {
    let can_accept = (request.available_decisions.as_ref())
        .is_none_or(|offered| offered.contains(&CommandExecutionApprovalDecision::Accept));
    let is_command = request.kind == CommandExecutionApprovalKind::Command
        && request.additional_permissions.is_none();
    if !can_accept || !is_command {
        return None;
    }
    let network = request.network_approval_context.as_ref();
    if request.command.is_none() && network.is_none() {
        return None;
    }
    let mut lines = Vec::new();
    if let Some(network) = network {
        let protocol = network.protocol.as_str();
        lines.push(format!("network: {} by {protocol}", network.host));
    }
    if let Some(environment) = request.environment_id.as_deref()
        && environment != "local"
    {
        lines.push(format!("environment: {environment}"));
    }
    lines.extend(
        request
            .cwd
            .as_ref()
            .map(|cwd| format!("in {}:", cwd.as_str())),
    );
    lines.extend(request.command.clone());
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use openai_codex::types::{
        AdditionalPermissionProfile, NetworkApprovalContext, NetworkApprovalProtocol,
    };

    use super::*;

    #[test]
    fn all_is_shown_or_nothing_is_asked() {
        let mut request = CommandExecutionRequestApprovalParams::new("t", "u", "i", 0);
        assert_eq!(all_of(&request), None);
        request.command = Some("curl example.org".to_owned());
        request.cwd = Some("/work".into());
        assert_eq!(
            all_of(&request).as_deref(),
            Some("in /work:\ncurl example.org")
        );
        request.network_approval_context = Some(NetworkApprovalContext::new(
            "example.org",
            NetworkApprovalProtocol::Https,
        ));
        assert_eq!(
            all_of(&request).as_deref(),
            Some("network: example.org by https\nin /work:\ncurl example.org")
        );
        let plain = request.clone();
        request.additional_permissions = Some(AdditionalPermissionProfile::default());
        assert_eq!(all_of(&request), None);
        request = plain.clone();
        request.kind = CommandExecutionApprovalKind::WriteStdin;
        assert_eq!(all_of(&request), None);
        request = plain;
        request.available_decisions = Some(vec![CommandExecutionApprovalDecision::Decline]);
        assert_eq!(all_of(&request), None);
    }
}
