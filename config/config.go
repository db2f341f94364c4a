package config

import "time"

// Config is every setting. The tags are the reference: key, default, allowed values and what the setting does; the file, the
// schema, "config explain" and docs/config.md are all made from them.
type Config struct {
	SIP          SIP          `key:"sip" doc:"The telephone account."`
	Calls        Calls        `key:"calls" doc:"How calls sound, how they are protected, and where they go when you do not take them."`
	Toll         Toll         `key:"toll" doc:"What this telephone may call. Emergency numbers are always dialled."`
	Recording    Recording    `key:"recording" doc:"Recording of calls on this machine. Off unless dir is set: ask your lawyer first."`
	Audio        Audio        `key:"audio" doc:"Microphone, loudspeaker and ring tone."`
	Salesforce   Salesforce   `key:"salesforce" doc:"The Salesforce org that callers are looked up in and calls are written to."`
	Layout       Layout       `key:"layout" doc:"The softphone layout: what is searched and shown of a caller, and what opens by itself."`
	Dialing      Dialing      `key:"dialing" doc:"What goes in front of the numbers you type or click. Never in front of colleagues and emergency numbers."`
	Numbers      Numbers      `key:"numbers" doc:"How telephone numbers are understood."`
	Record       Record       `key:"record" doc:"The completed Task that each call leaves."`
	Dispositions Dispositions `key:"dispositions" doc:"The results that you give calls."`
	Campaigns    Campaigns    `key:"campaigns" doc:"Campaigns of Salesforce, and the work list of their members."`
	Sync         Sync         `key:"sync" doc:"Jobs that bring Salesforce's lists and this desk together, and when they run."`
	Callbacks    Callbacks    `key:"callbacks" doc:"Promises to call back."`
	Activity     Activity     `key:"activity" doc:"Logins, logouts and states in Salesforce, and reports."`
	Create       Create       `key:"create" doc:"Records that calls leave besides their Task, and what they fill in of people who are known."`
	UI           UI           `key:"ui" doc:"The screen."`
	Keys         Keys         `key:"keys" doc:"Key bindings: action name = list of keys. docs/keys.md has the names."`
	Hub          Hub          `key:"hub" doc:"The team's hub, for supervisors. Calls work without it."`
	Storage      Storage      `key:"storage" doc:"Where the ledger and the log are kept."`
}

// SIP is the telephone account.
type SIP struct {
	Account         string        `key:"account" doc:"Address of record, as sip:2101@pbx.example.com. With no registrar: any name, as sip:desk@localhost."`
	Username        string        `key:"username" doc:"User name for the password check; the account's user part when empty."`
	DisplayName     string        `key:"display_name" doc:"Name shown to those you call."`
	PasswordCommand string        `key:"password_command" doc:"Command whose first line of output is the password, as \"pass show pbx/2101\"."`
	Password        string        `key:"password" secret:"true" doc:"The password itself. Refused unless allow_plaintext is true."`
	AllowPlaintext  bool          `key:"allow_plaintext" default:"false" doc:"Accept a password written in this file."`
	Transport       string        `key:"transport" default:"udp" enum:"udp,tcp,tls,auto" doc:"Transport to the registrar; auto asks the name service (NAPTR, SRV)."`
	Registrar       string        `key:"registrar" default:"auto" doc:"host or host:port; auto takes the account's domain; empty does not register and takes calls on listen."`
	OutboundProxy   string        `key:"outbound_proxy" doc:"host or host:port that all requests go through."`
	Listen          string        `key:"listen" default:"0.0.0.0:0" doc:"Address and port of the telephone's own socket; port 0 lets the system choose."`
	Registrar2      string        `key:"registrar2" doc:"A second registrar, registered at the same time: calls come in over both."`
	OutboundProxy2  string        `key:"outbound_proxy2" doc:"A second proxy; without registrar2 it leads to the same registrar."`
	CAFile          string        `key:"ca_file" doc:"PEM file of the authorities to believe for TLS; empty: the system's."`
	Certificate     string        `key:"certificate" doc:"PEM file of this telephone's own certificate, for servers that ask for one."`
	Key             string        `key:"key" doc:"PEM file of the key of certificate; only you may read it."`
	TLSName         string        `key:"tls_name" doc:"Name that the server's certificate must prove; empty: the host as it is configured, the proxy's, else the registrar's, else the account's domain (RFC 5922)."`
	Wildcard        bool          `key:"wildcard" default:"false" doc:"Accept a certificate for *.example.com, which RFC 5922 does not."`
	AllowInsecure   bool          `key:"allow_insecure" default:"false" doc:"Accept any certificate: then anybody on the way can listen. For tests only."`
	TrustedPeers    []string      `key:"trusted_peers" doc:"Addresses whose P-Asserted-Identity, diversions and record ids are believed (RFC 3325)."`
	AcceptPeers     []string      `key:"accept_peers" doc:"Further addresses that may call. Others than these and the account's servers are not even answered."`
	UDPMax          int           `key:"udp_max" default:"1300" doc:"Largest request over UDP in bytes; larger ones go by TCP. -1: no limit."`
	Reliable        string        `key:"reliable" default:"supported" enum:"off,supported,required" doc:"Reliable ringing (100rel, RFC 3262)."`
	SessionTimer    time.Duration `key:"session_timer" default:"30m" doc:"How often a call is checked to be alive (RFC 4028); 0s switches our own wish off."`
	Withhold        bool          `key:"withhold" default:"false" doc:"Hide your number from those you call (RFC 3323)."`
	AutoAnswer      bool          `key:"auto_answer" default:"false" doc:"The account's servers may have a call answered by itself (Answer-Mode, answer-after, Alert-Info)."`
	RemoteControl   bool          `key:"remote_control" default:"false" doc:"The account's servers may answer and hold calls (NOTIFY with Event talk or hold)."`
	Mailbox         string        `key:"mailbox" default:"auto" doc:"Voice mail to watch: a number, a SIP address, auto for the account's own; empty: only what the exchange tells unasked."`
	Contact         string        `key:"contact" default:"auto" enum:"auto,local" doc:"Address that is registered over UDP: auto takes the one that the registrar sees, which behind a NAT is the only one that leads here; local is always this computer's."`
	GRUU            bool          `key:"gruu" default:"false" doc:"Use the addresses (GRUU, RFC 5627) of a registrar that does not keep to outbound (RFC 5626)."`
	Voicemail       string        `key:"voicemail" doc:"Number of the mailbox, where the exchange does not tell it."`
	Lamps           []Lamp        `key:"lamps" doc:"Colleagues whose telephones you see while you transfer or dial: a list of {number, name, account}, at most 64; account says which of several watches it. The exchange must allow it (BLF, RFC 4235)."`
	Data            []DataRule    `key:"data" doc:"What headers of a call mean: a list of {header, param, match, name, show, lookup, task, secret, record}. X- headers and User-to-User are shown anyway."`
	Accounts        []Account     `key:"accounts" doc:"Further accounts: a list of {account, username, password_command, registrar, outbound_proxy, transport, ca_file, certificate, key, tls_name}. What is not said is as in this section; calls go out from the first account."`
	Expires         time.Duration `key:"expires" default:"5m" doc:"Registration lifetime to ask for."`
	RingLimit       time.Duration `key:"ring_limit" default:"2m" doc:"How long an inbound call may ring before it is answered with 480."`
	RTPPorts        string        `key:"rtp_ports" default:"0" doc:"Range for sound, as 16000-16999; 0 lets the system choose."`
	Codecs          []string      `key:"codecs" default:"opus,G722,PCMU,PCMA" doc:"Codecs, best first: opus (where the processor allows), G722, PCMU, PCMA."`
}

// DataRule is one line of sip.data.
type DataRule struct {
	Header string `key:"header" doc:"Name of the header; X-Acd-* is every name that begins so."`
	Param  string `key:"param" doc:"Parameter of the value; empty: the value itself."`
	Match  string `key:"match" doc:"Regular expression; its first group is what counts."`
	Name   string `key:"name" doc:"What you read; empty: the header's name."`
	Show   bool   `key:"show" doc:"On the screen and in the Task's description."`
	Lookup bool   `key:"lookup" doc:"The caller is looked up by it when the number finds nobody."`
	Task   string `key:"task" doc:"API name of the Task field that carries it."`
	Secret bool   `key:"secret" doc:"Shown and written nowhere."`
	Record bool   `key:"record" doc:"It is the id of a Salesforce record, which is opened without a search. Believed of trusted_peers only."`
}

// Lamp is one line of sip.lamps.
type Lamp struct {
	Number string `key:"number" doc:"Extension, as you would dial it."`
	Name   string `key:"name" doc:"Who it is."`
	// Account is one of those of sip.account and sip.accounts.
	Account string `key:"account" doc:"Which account watches it; empty: the one of its domain, else the first."`
}

// Account is one line of sip.accounts.
type Account struct {
	Account         string `key:"account" doc:"Address of record."`
	Username        string `key:"username" doc:"User name for the password check."`
	PasswordCommand string `key:"password_command" doc:"Command whose first line of output is the password."`
	Registrar       string `key:"registrar" doc:"host or host:port; auto: the account's domain."`
	OutboundProxy   string `key:"outbound_proxy" doc:"host or host:port."`
	Transport       string `key:"transport" doc:"udp, tcp, tls or auto."`
	CAFile          string `key:"ca_file" doc:"PEM file of the authorities to believe for TLS."`
	Certificate     string `key:"certificate" doc:"PEM file of this account's own certificate, with its key."`
	Key             string `key:"key" doc:"PEM file of the key of certificate."`
	TLSName         string `key:"tls_name" doc:"Name that the server's certificate must prove."`
}

// Calls is how calls sound and where they go.
type Calls struct {
	Encrypt      string        `key:"encrypt" default:"optional" enum:"never,optional,required" doc:"Encrypted sound (SRTP): optional uses it with everybody who can, required refuses calls in the clear."`
	Encryption   string        `key:"encryption" default:"auto" enum:"auto,sdes,dtls" doc:"How keys are agreed: in the signalling (sdes), by a handshake (dtls), or as the far end can."`
	ClearKeys    bool          `key:"clear_keys" default:"false" doc:"Send keys (sdes) over signalling that is not encrypted: whoever reads it can listen."`
	LearnAddress bool          `key:"learn_address" default:"false" doc:"Take sound from where it really comes from at the start of a call, for exchanges that say another address than they send from."`
	ICE          bool          `key:"ice" default:"false" doc:"Offer connectivity checks (ICE) for calls of yours; far ends that offer them are answered anyway."`
	DSCP         int           `key:"dscp" default:"46" doc:"Mark of sound packets for routers, 0 to 63; 0: none."`
	DTMF         string        `key:"dtmf" default:"auto" enum:"auto,inband" doc:"Keypad tones for far ends that take no telephone events: INFO requests, or tones in the sound, which are then found in what is heard, too."`
	ForwardTo    string        `key:"forward_to" doc:"Where calls go instead of ringing here; empty: nowhere. F changes it."`
	ForwardWhen  string        `key:"forward_when" default:"no answer" enum:"always,busy,no answer" doc:"Which calls go to forward_to."`
	ForwardAfter time.Duration `key:"forward_after" default:"20s" doc:"How long a call rings before nobody answers."`
}

// Toll is the policy of what may be called.
type Toll struct {
	Allow         []string `key:"allow" doc:"Prefixes that may be dialled; empty: every number. The longest prefix decides."`
	Deny          []string `key:"deny" doc:"Prefixes that may not be dialled, as 0900 or +44 70."`
	PerMinute     int      `key:"per_minute" default:"0" doc:"Calls that may be dialled in a minute; 0: no limit."`
	PerDay        int      `key:"per_day" default:"0" doc:"Calls that may be dialled in a day; 0: no limit."`
	Hours         []string `key:"hours" doc:"When calls may be placed, as Mon-Fri 08:00-19:00 or Sat,Sun 22:00-06:00, in this computer's time; empty: always. Internal numbers (numbers.internal_max_digits, numbers.internal_rules) and emergency numbers are not bound to them."`
	Outside       string   `key:"outside" doc:"Digits that get an outside line; they are left out when prefixes are compared."`
	TransferAllow []string `key:"transfer_allow" doc:"Where a far end may send this telephone by a transfer. Empty: names and numbers of up to five digits of its own exchange."`
	RedirectAllow []string `key:"redirect_allow" doc:"Where a call of yours may be sent on to by a 302. Empty: as for transfers."`
}

// Recording is how calls are recorded.
type Recording struct {
	Dir        string        `key:"dir" doc:"Folder of the recordings; empty: calls cannot be recorded."`
	Format     string        `key:"format" default:"wav" enum:"wav,alaw,ulaw,opus" doc:"Kind of file; opus is a tenth of the size."`
	Always     bool          `key:"always" default:"false" doc:"Every answered call is recorded, from its answer on."`
	Consent    bool          `key:"consent" default:"false" doc:"Callers are told before they reach you, or have agreed: noted in each recording."`
	Remind     time.Duration `key:"remind" default:"0s" doc:"A short tone for both sides at this interval while a call is recorded; 15s is usual, 0s is none."`
	Retention  int           `key:"retention_days" default:"0" doc:"Recordings older than so many days are deleted at the start; 0: never."`
	Attach     bool          `key:"attach" default:"false" doc:"Recordings are attached to the call's Task in Salesforce."`
	AttachMax  int           `key:"attach_max" default:"25" doc:"Largest recording to attach, in MB; larger ones stay here."`
	AttachAge  bool          `key:"attach_encrypted" default:"false" doc:"Attach recordings that are encrypted to recipients, too: who has the key can hear them."`
	Recipients []string      `key:"recipients" doc:"age public keys: recordings are encrypted to them and cannot be played here."`
}

// Audio is the sound devices.
type Audio struct {
	Input   string `key:"input" default:"default" doc:"Microphone: default, a device's name, null, tone:HZ, file:PATH or file:PATH?loop."`
	Output  string `key:"output" default:"default" doc:"Loudspeaker: default, a device's name, null, file:PATH."`
	Ring    string `key:"ring" default:"default" doc:"Ring tone: default, a device's name, bell (the terminal's), off."`
	Noise   string `key:"noise" default:"low" enum:"off,low,high" doc:"Takes steady noise (fans, air conditioning) out of the microphone."`
	Gain    bool   `key:"gain" default:"true" doc:"Brings your voice to an even level."`
	Speaker bool   `key:"speaker" default:"false" doc:"No headset: the microphone is turned down while the far end talks."`
	Echo    string `key:"echo_cancel" default:"off" enum:"off,server" doc:"No headset: the sound server cancels the echo."`
	Server  string `key:"server" doc:"PulseAudio or PipeWire server; empty finds it as PulseAudio's own programs do."`
}

// Salesforce is the org.
type Salesforce struct {
	LoginURL       string        `key:"login_url" default:"https://login.salesforce.com" doc:"Where to sign in: login, test or your My Domain host."`
	ClientID       string        `key:"client_id" doc:"Consumer key of your External Client App. Empty switches Salesforce off."`
	Flow           string        `key:"flow" default:"pkce" enum:"pkce,jwt,client,device" doc:"pkce signs a person in with the browser; jwt signs in with key_file and username; client signs in as the app itself, for username; device shows a code to enter anywhere, where the app allows it."`
	Username       string        `key:"username" doc:"User to sign in as with flow jwt; with flow client the agent whom the records belong to."`
	KeyFile        string        `key:"key_file" doc:"PEM file with the private key for flow jwt."`
	Audience       string        `key:"audience" doc:"Whom the sign-in of flow jwt is made out to; empty: login_url, or the public login host where that is refused."`
	SecretCommand  string        `key:"client_secret_command" doc:"Command whose first line of output is the app's Consumer Secret: for flow client, and for apps that insist on one."`
	Tokens         string        `key:"tokens" default:"auto" enum:"auto,keyring,age,file" doc:"Where the sign-in is kept: the system's keyring, an age file, or a file that only you can read; auto is the keyring, or the file where there is none."`
	TokenIdentity  string        `key:"token_identity" doc:"age identity file that opens the age file; empty: identity.txt beside the configuration. Only you may read it."`
	TokenCommand   string        `key:"token_passphrase_command" doc:"Command whose first line of output is the passphrase of the age file, instead of an identity."`
	APIVersion     string        `key:"api_version" doc:"API version to use, as 66.0; empty: the newest that the org offers, which must be 62.0 or later."`
	AllowLocalhost bool          `key:"allow_localhost" default:"true" doc:"Permit a login_url with plain http on this machine, for the practice Salesforce. Never any other host."`
	Timeout        time.Duration `key:"lookup_timeout" default:"2s" doc:"How long a lookup may take; ringing never waits for it."`
	Scan           []string      `key:"scan" doc:"Objects, as Contact, that are read through row by row when neither search nor spelling knows a number: for orgs whose search does not see through punctuation. Slow where there are many records; given up after lookup_timeout."`
	SearchTyped    bool          `key:"search_as_you_type" default:"false" doc:"Whether the search page searches when the agent pauses in typing, from three characters on. Each search is one or two calls of the org's API; none are made so once 80 % of them are used."`
	NoMatch        string        `key:"no_match" default:"Lead" doc:"Object of the New form where the softphone layout names none."`
	Pop            string        `key:"pop" default:"ring" enum:"manual,ring,answer" doc:"When what the softphone layout opens comes by itself; forms and lists wait for the answer."`
	OpenRecord     string        `key:"open_record" default:"always" enum:"always,if_number_matches,never" doc:"Whether a number typed while a card is open belongs to that card."`
}

// Numbers is how numbers are understood.
type Numbers struct {
	Region            string         `key:"region" default:"GB" doc:"Two-letter country of numbers without a country code."`
	InternalMaxDigits int            `key:"internal_max_digits" default:"5" doc:"Numbers of at most this many digits are colleagues: never looked up, never associated."`
	InternalRules     []InternalRule `key:"internal_rules" doc:"More internal numbers: a list of {prefix, min_len, max_len}; internal = false makes an exception."`
	Emergency         []string       `key:"emergency" default:"112,999,911,000,110,118,119" doc:"Emergency numbers: always dialled, never looked up."`
}

// InternalRule is one line of numbers.internal_rules; the first that fits decides.
type InternalRule struct {
	Prefix   string `key:"prefix" doc:"Leading digits."`
	MinLen   int    `key:"min_len" doc:"Least number of digits."`
	MaxLen   int    `key:"max_len" doc:"Greatest number of digits."`
	Internal *bool  `key:"internal" doc:"false: such numbers are external."`
}

// Record is the Task.
type Record struct {
	Zone     string   `key:"zone" default:"id" enum:"off,id,name" doc:"Time zone in the subject: none, as Europe/London, or by name."`
	TimeZone string   `key:"time_zone" doc:"Time zone of the agent; empty takes it from the Salesforce user."`
	Clock    string   `key:"clock" default:"24h" enum:"24h,12h" doc:"Clock in the subject."`
	Number   string   `key:"number" default:"signalled" enum:"signalled,national,e164" doc:"Number format in the subject."`
	Log      []string `key:"log" doc:"Which calls make a Task: answered, missed, declined, cancelled, transfer, failed, answered elsewhere. Empty means all."`
	Status   string   `key:"status" doc:"Closed status of the Task; empty takes the org's default closed status."`
	Statuses []Status `key:"statuses" doc:"Another status for some calls: a list of {action, status}, as {action = \"missed\", status = \"Deferred\"}."`
	Target   string   `key:"target" default:"task" enum:"task,voicecall,both" doc:"What a call becomes in Salesforce. Voice calls need permission sets of Salesforce's own telephony; without them it is a Task."`
	Map      []MapTo  `key:"map" doc:"What of a call goes into which Task field: a list of {value, field}. The fields of docs/salesforce are filled anyway where they are installed; an empty field switches one off."`
	Descr    string   `key:"description" doc:"The Task's description with placeholders, as {notes} or {start}; docs/guide-records.md lists them. Empty: notes, then the facts of the call."`
	Owners   []Owner  `key:"owners" doc:"Whose calls those of a SIP account are: a list of {sip, user}, a Salesforce user name or id. Else the user with the account's e-mail address, else the signed-in one."`
}

// Status is one line of record.statuses.
type Status struct {
	Action string `key:"action" doc:"answered, missed, declined, cancelled, transfer, failed or answered elsewhere."`
	Status string `key:"status" doc:"A status of the org's Tasks, also one that leaves them open."`
}

// MapTo is one line of record.map.
type MapTo struct {
	Value string `key:"value" doc:"A value of calls, as Agent Name or Transfer Type; var:NAME is a variable that headers told."`
	Field string `key:"field" doc:"API name of a Task field; empty: none."`
}

// Owner is one line of record.owners.
type Owner struct {
	SIP  string `key:"sip" doc:"Account, as sip:2101@pbx.example.com, or 2101 alone."`
	User string `key:"user" doc:"User name or id of the Salesforce user; the id of a queue."`
}

// UI is the screen.
type UI struct {
	Theme  string        `key:"theme" default:"auto" enum:"auto,dark,light" doc:"Colours; auto asks the terminal. NO_COLOR is obeyed."`
	Mouse  bool          `key:"mouse" default:"false" doc:"Take mouse clicks; off leaves text selection to the terminal."`
	Notify bool          `key:"notify" default:"true" doc:"Desktop notification of a call while the terminal is not in front."`
	Linger time.Duration `key:"linger" default:"1m" doc:"How long an ended call stays on the screen."`
	Missed time.Duration `key:"missed_after" default:"15s" doc:"An unanswered ring of at least this long makes the agent \"not responding\"."`
}

// Keys are rebindings: action name to keys.
type Keys map[string][]string

// Hub is the team's hub.
type Hub struct {
	URL          string `key:"url" doc:"As nats://127.0.0.1:4222. Empty: no hub."`
	TokenCommand string `key:"token_command" doc:"Command whose first line of output is the hub's token."`
	TokenFile    string `key:"token_file" doc:"File that only you can read with the hub's token."`
	Site         string `key:"site" default:"main" doc:"Site name on the board."`
	Team         string `key:"team" default:"default" doc:"Team name on the board."`
	Agent        string `key:"agent" doc:"Your name on the board; the account's user part when empty."`
}

// Storage is where files are kept.
type Storage struct {
	Dir      string `key:"dir" doc:"Folder of the ledger and the log; empty is the system's place for program state."`
	LogLevel string `key:"log_level" default:"info" enum:"debug,info,warn,error" doc:"How much the log file says. Numbers and tokens never stand in it."`
}
