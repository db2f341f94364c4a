package main

import "offhook/internal/checkup"

// localRules are what doctor can find on this machine and on the way to the exchange. docs/troubleshooting.md is made from them and
// from those about Salesforce.
func localRules() checkup.Rules {
	return checkup.Rules{
		checkup.NewRule("settings.none", checkup.Problem, "There are no settings yet", "offhook does not start",
			"Run offhook config init, fill in [sip] account, then offhook config check"),
		checkup.NewRule("settings.wrong", checkup.Problem, "{what}", "offhook does not start",
			"Correct the file of settings; offhook config explain KEY says what a setting does"),
		checkup.NewRule("disk.ledger", checkup.Problem, "{why}", "calls cannot be recorded: offhook does not start",
			"Make the folder writable, or choose another one on a local disk: [storage] dir"),
		checkup.NewRule("disk.full", checkup.Problem, "The disk of {dir} has {free} left", "the records of calls cannot be written soon",
			"Make room, now"),
		checkup.NewRule("disk.low", checkup.Warning, "The disk of {dir} has {free} left", "calls still work; recordings fill it first",
			"Make room, or set recording.retention_days"),
		checkup.NewRule("disk.stuck", checkup.Warning, "{count} of calls need a person", "Salesforce refused them: they are on this disk and not in Salesforce",
			"offhook outbox list says why; offhook outbox retry sends them again"),
		checkup.NewRule("disk.waiting", checkup.Warning, "{count} of calls wait for Salesforce, the oldest since {since}", "they are safe on this disk, and sent when Salesforce takes them",
			"Look at the findings about Salesforce below", "Start offhook: records are sent while a desk runs"),
		checkup.NewRule("tokens.kept", checkup.Problem, "{why}", "nobody can be signed in to Salesforce",
			"Correct that, or choose another place: salesforce.tokens"),
		checkup.NewRule("sip.password", checkup.Problem, "{why}", "the telephone does not register: no call comes in",
			"offhook login --sip keeps it in the system's keyring"),
		checkup.NewRule("sip.name", checkup.Problem, "The telephone's server is not found: {why}", "the telephone does not register: no call comes in",
			"Check sip.account, sip.registrar and sip.outbound_proxy", "Ask the name service: host {host}"),
		checkup.NewRule("sip.server", checkup.Problem, "{server} cannot be reached ({why})", "the telephone does not register: no call comes in",
			"Check sip.registrar, sip.outbound_proxy and sip.transport", "Let this machine reach it: the firewall table of docs/guide-admin.md", "Ask whoever runs the exchange whether it answers OPTIONS"),
		checkup.NewRule("sip.one", checkup.Warning, "{server} cannot be reached ({why})", "another server of the account can: calls work while that one does",
			"Tell whoever runs the exchange"),
		checkup.NewRule("sip.certificate", checkup.Problem, "The certificate of {server} is not believed ({why})", "the telephone does not register: no call comes in",
			"Name the exchange's own authority in sip.ca_file, and the host that its certificate proves in sip.tls_name", "Compare this machine's clock"),
		checkup.NewRule("sip.expires", checkup.Warning, "The certificate of {server} ends on {when}", "after that no call comes in",
			"Tell whoever runs the exchange"),
		checkup.NewRule("sip.insecure", checkup.Warning, "sip.allow_insecure accepts any certificate", "anybody on the way can listen and call in the exchange's name",
			"Name the exchange's authority in sip.ca_file and set sip.allow_insecure = false"),
		checkup.NewRule("sip.open", checkup.Note, "sip.registrar is empty: the telephone does not register", "calls come from anywhere that reaches sip.listen; that is for tests",
			"Set sip.registrar, or leave it out to take the account's domain"),
		checkup.NewRule("sound.device", checkup.Problem, "{why}", "offhook does not start",
			"Correct [audio]; pactl list short sources and pactl list short sinks show the names"),
		checkup.NewRule("sound.none", checkup.Warning, "{why}", "calls are silent",
			"Start the sound server of your session (systemctl --user start pipewire-pulse), or name another machine's: [audio] server"),
		checkup.NewRule("hub.server", checkup.Warning, "The hub at {server} cannot be reached ({why})", "supervisors do not see this desk; calls and records do not need the hub",
			"Check hub.url, and whether offhook hub runs there"),
		checkup.NewRule("org.off", checkup.Note, "Salesforce is not set up", "callers are not looked up, and records stay on this disk",
			"Set salesforce.client_id (docs/guide-admin.md, Salesforce: the app), then run offhook login"),
	}
}
