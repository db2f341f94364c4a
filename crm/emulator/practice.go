package emulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Practice makes the practice org's customers: 120 accounts, 500 contacts, 150 leads, 80 cases, 60 opportunities, a
// campaign and their history of calls. It is the same for every call, with dates that count back from now. The
// people of the story come first.
func Practice(now time.Time) *Data {
	m := &maker{Data: &Data{}, now: now, rng: rand.New(rand.NewPCG(7814, 256404)), names: make(map[string]bool), places: places()}
	m.numbers = &numbers{rng: m.rng, used: map[string]bool{StoryKnownE164: true, StorySharedE164: true, StoryUnknownE164: true}}
	for _, name := range []string{StoryKnownName, StorySharedContact, StorySharedLead, StoryUnknownName, StoryColleagueName, AgentName} {
		m.names[name] = true
	}
	m.story()
	for len(m.accounts) < 120 {
		m.account()
	}
	for len(m.contacts) < 500 {
		m.contact()
	}
	for m.leads < 150 {
		m.lead()
	}
	for i := m.cases; i < 80; i++ {
		m.complaint()
	}
	for range 60 {
		m.opportunity()
	}
	m.campaign()
	for range 150 {
		m.pastCall(m.contacts[m.rng.IntN(len(m.contacts))], time.Duration(m.rng.IntN(90*24))*time.Hour)
	}
	return m.Data
}

type maker struct {
	*Data
	now      time.Time
	rng      *rand.Rand
	numbers  *numbers
	places   []place
	names    map[string]bool
	accounts []seedAccount
	contacts []seedContact
	leads    int
	cases    int
	calls    int
}

type seedAccount struct {
	ref, phone, domain string
	place              int
}

type seedContact struct {
	ref, account, phone, name string
}

// owners of the customers; the agent has most of the story.
func (m *maker) owner() string {
	return pickOne(m.rng, []string{"@alex", "@priya", "@tomasz", "@grace", "@sam"})
}

func pickOne[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func (m *maker) ago(d time.Duration) string { return formatMoment(m.now.Add(-d).Truncate(time.Second)) }

// aged adds the times of a record that is days old.
func (m *maker) aged(days int, fields map[string]any) map[string]any {
	fields["CreatedDate"] = m.ago(time.Duration(days) * 24 * time.Hour)
	fields["LastModifiedDate"] = m.ago(time.Duration(m.rng.IntN(days*24)+1) * time.Hour)
	fields["SystemModstamp"] = fields["LastModifiedDate"]
	return fields
}

func (m *maker) story() {
	acme := m.add("Account", "acme", m.aged(900, map[string]any{"Name": StoryKnownAccount, "Phone": "020 7946 0958", "Website": "https://acme.example", "Industry": "Manufacturing",
		"Type": "Customer - Direct", "BillingStreet": "12 Foundry Lane", "BillingCity": "Bournemouth", "BillingPostalCode": "BH1 2AA", "BillingCountry": "United Kingdom",
		"NumberOfEmployees": 85, "OwnerId": "@alex"}))
	m.accounts = append(m.accounts, seedAccount{acme, "020 7946 0958", "acme.example", 0})
	m.numbers.used["+442079460958"] = true
	fred := m.add("Contact", "fred", m.aged(700, map[string]any{"Salutation": "Mr.", "FirstName": "Fred", "LastName": "Bloggs", "AccountId": acme, "Title": "Works Manager",
		"MobilePhone": StoryKnownStored, "Email": "fred.bloggs@acme.example", "MailingCity": "Bournemouth", "MailingCountry": "United Kingdom", "OwnerId": "@alex"}))
	m.contacts = append(m.contacts, seedContact{fred, acme, StoryKnownStored, StoryKnownName})
	m.add("Case", "fred-router", m.aged(6, map[string]any{"Subject": StoryKnownCaseSubject, "ContactId": fred, "AccountId": acme, "Status": "Working", "Origin": "Phone",
		"Priority": "High", "Type": "Electronic", "Description": "Between seven and nine the line goes dead. A new router was sent on Monday.", "OwnerId": "@alex"}))
	m.add("Case", "fred-invoice", m.aged(200, map[string]any{"Subject": "Invoice sent twice", "ContactId": fred, "AccountId": acme, "Status": "Closed", "Origin": "Email",
		"Priority": "Low", "OwnerId": "@grace"}))
	m.cases = 2
	for _, days := range []int{6, 12, 75, 201} {
		m.pastCall(m.contacts[0], time.Duration(days)*24*time.Hour+3*time.Hour)
	}
	highbury := m.add("Account", "highbury", m.aged(1200, map[string]any{"Name": StorySharedAccount, "Phone": "+44 1202 528732", "Website": "https://highbury.example",
		"Industry": "Manufacturing", "Type": "Customer - Direct", "BillingCity": "Poole", "BillingPostalCode": "BH15 1AB", "BillingCountry": "United Kingdom", "OwnerId": "@priya"}))
	m.accounts = append(m.accounts, seedAccount{highbury, "+44 1202 528732", "highbury.example", 0})
	jane := m.add("Contact", "jane", m.aged(400, map[string]any{"Salutation": "Ms.", "FirstName": "Jane", "LastName": "Fairfax", "AccountId": highbury, "Title": "Head of Purchasing",
		"Phone": "01202 528732", "Email": "jane.fairfax@highbury.example", "MailingCity": "Poole", "MailingCountry": "United Kingdom", "OwnerId": "@priya"}))
	m.contacts = append(m.contacts, seedContact{jane, highbury, "01202 528732", StorySharedContact})
	m.add("Lead", "knightley", m.aged(40, map[string]any{"Salutation": "Mr.", "FirstName": "George", "LastName": "Knightley", "Company": "Donwell Abbey Farms",
		"Phone": "(01202) 528732", "Email": "george@donwell.example", "Status": "Working - Contacted", "City": "Poole", "Country": "United Kingdom", "LeadSource": "Partner Referral", "OwnerId": "@alex"}))
	m.leads = 1
}

func (m *maker) where() int {
	if n := m.rng.IntN(10); n >= 6 { // six in ten are British
		return 1 + min(n-6, len(m.places)-2)
	}
	return 0
}

func (m *maker) account() {
	i := len(m.accounts)
	name := companyFirst()[i%len(companyFirst())] + " " + strings.ReplaceAll(pickOne(m.rng, companySecond()), "_", " ")
	for m.names[name] {
		name = companyFirst()[m.rng.IntN(len(companyFirst()))] + " " + strings.ReplaceAll(pickOne(m.rng, companySecond()), "_", " ")
	}
	m.names[name] = true
	where := m.where()
	p := m.places[where]
	legal := map[string]string{"United Kingdom": " Ltd", "United States": " Inc.", "Germany": " GmbH", "France": " SARL", "Australia": " Pty Ltd"}[p.country]
	town := m.rng.IntN(len(p.towns))
	domain := strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".example"
	phone := p.fixed(m.numbers)
	ref := m.add("Account", fmt.Sprintf("account-%d", i), m.aged(100+m.rng.IntN(1500), map[string]any{"Name": name + legal, "Phone": phone, "Website": "https://" + domain,
		"Industry": pickOne(m.rng, industries), "Type": pickOne(m.rng, []string{"Prospect", "Customer - Direct", "Customer - Channel", "Partner"}),
		"BillingStreet": fmt.Sprintf("%d %s", 1+m.rng.IntN(180), pickOne(m.rng, []string{"High Street", "Station Road", "Mill Lane", "Park Avenue", "Market Square"})),
		"BillingCity":   p.towns[town], "BillingPostalCode": p.post[town], "BillingCountry": p.country, "NumberOfEmployees": 3 + m.rng.IntN(900), "OwnerId": m.owner()}))
	m.accounts = append(m.accounts, seedAccount{ref, phone, domain, where})
}

// person draws a name that nobody has yet.
func (m *maker) person() (first, last string) {
	for {
		first, last = pickOne(m.rng, firstNames()), strings.ReplaceAll(pickOne(m.rng, lastNames()), "_", " ")
		if name := first + " " + last; !m.names[name] {
			m.names[name] = true
			return first, last
		}
	}
}

// mailbox makes the local part of an e-mail address from a name.
func mailbox(first, last string) string {
	plain := strings.NewReplacer("é", "e", "É", "E", "ë", "e", "í", "i", "ó", "o", "ø", "o", "ö", "o", "ü", "u", "Å", "A", "å", "a", "á", "a", " ", "", "'", "")
	return strings.ToLower(plain.Replace(first) + "." + plain.Replace(last))
}

func (m *maker) contact() {
	i := len(m.contacts)
	first, last := m.person()
	a := m.accounts[2+m.rng.IntN(len(m.accounts)-2)] // the story's accounts keep their own people
	p := m.places[a.place]
	town := m.rng.IntN(len(p.towns))
	fields := map[string]any{"FirstName": first, "LastName": last, "AccountId": a.ref, "Title": pickOne(m.rng, jobTitles()), "Email": mailbox(first, last) + "@" + a.domain,
		"MailingCity": p.towns[town], "MailingPostalCode": p.post[town], "MailingCountry": p.country, "OwnerId": m.owner(), "LeadSource": pickOne(m.rng, leadSources)}
	phone := ""
	switch n := m.rng.IntN(8); {
	case n == 0: // reached through the switchboard
		phone = a.phone
		fields["Phone"] = phone
	case n < 5:
		phone = p.fixed(m.numbers)
		fields["Phone"] = phone
	}
	if phone == "" || m.rng.IntN(3) == 0 {
		phone = p.mobile(m.numbers)
		if p.country == "Germany" && m.rng.IntN(4) > 0 { // the range of German mobile numbers is a small one
			delete(fields, "MobilePhone")
			phone = p.fixed(m.numbers)
		}
		fields["MobilePhone"] = phone
	}
	ref := m.add("Contact", fmt.Sprintf("contact-%d", i), m.aged(30+m.rng.IntN(1200), fields))
	m.contacts = append(m.contacts, seedContact{ref, a.ref, phone, first + " " + last})
}

func (m *maker) lead() {
	first, last := m.person()
	p := m.places[m.where()]
	town := m.rng.IntN(len(p.towns))
	status := pickOne(m.rng, []string{"Open - Not Contacted", "Open - Not Contacted", "Working - Contacted", "Working - Contacted", "Closed - Not Converted"})
	fields := map[string]any{"FirstName": first, "LastName": last, "Company": pickOne(m.rng, leadCompanies()), "Status": status, "Email": mailbox(first, last) + "@mail.example",
		"City": p.towns[town], "PostalCode": p.post[town], "Country": p.country, "LeadSource": pickOne(m.rng, leadSources), "Rating": pickOne(m.rng, []string{"Hot", "Warm", "Cold"}), "OwnerId": m.owner()}
	fields[pickOne(m.rng, []string{"Phone", "MobilePhone"})] = p.fixed(m.numbers)
	if m.leads%15 == 7 { // some have become customers since
		c := m.contacts[2+m.rng.IntN(len(m.contacts)-2)]
		fields["Status"], fields["IsConverted"], fields["ConvertedContactId"], fields["ConvertedAccountId"] = "Closed - Converted", true, c.ref, c.account
		fields["ConvertedDate"] = m.now.AddDate(0, 0, -m.rng.IntN(25)-1).Format(dayLayout)
	}
	m.add("Lead", fmt.Sprintf("lead-%d", m.leads), m.aged(30+m.rng.IntN(200), fields))
	m.leads++
}

func (m *maker) complaint() {
	c := m.contacts[1+m.rng.IntN(len(m.contacts)-1)]
	m.add("Case", "", m.aged(1+m.rng.IntN(120), map[string]any{"Subject": pickOne(m.rng, caseSubjects()), "ContactId": c.ref, "AccountId": c.account,
		"Status": pickOne(m.rng, []string{"New", "Working", "Escalated", "Closed", "Closed"}), "Origin": pickOne(m.rng, []string{"Phone", "Email", "Web"}),
		"Priority": pickOne(m.rng, []string{"High", "Medium", "Medium", "Low"}), "OwnerId": m.owner()}))
}

func (m *maker) opportunity() {
	a := m.accounts[m.rng.IntN(len(m.accounts))]
	what := pickOne(m.rng, []string{"Fibre upgrade", "Handset refresh", "New site", "Support renewal", "Headsets", "Call recording"})
	m.add("Opportunity", "", m.aged(10+m.rng.IntN(300), map[string]any{"Name": fmt.Sprintf("%s %d", what, m.now.Year()), "AccountId": a.ref,
		"StageName": pickOne(m.rng, []string{"Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"}),
		"Amount":    float64(500 * (1 + m.rng.IntN(120))), "CloseDate": m.now.AddDate(0, 0, m.rng.IntN(120)-40).Format(dayLayout), "OwnerId": m.owner()}))
}

func (m *maker) campaign() {
	c := m.add("Campaign", "renewals", m.aged(30, map[string]any{"Name": "Autumn renewals", "Type": "Telemarketing", "Status": "In Progress", "IsActive": true, "OwnerId": "@maria"}))
	for i := range 40 {
		m.add("CampaignMember", "", map[string]any{"CampaignId": c, "ContactId": m.contacts[3+7*i].ref, "Status": pickOne(m.rng, []string{"Sent", "Sent", "Responded"})})
	}
}

// pastCall is a completed Task as offhook writes it, so that cards have a history.
func (m *maker) pastCall(c seedContact, before time.Duration) {
	m.calls++
	start := m.now.Add(-before).Truncate(time.Second)
	kind, verb := "Inbound", "from"
	if m.rng.IntN(3) == 0 {
		kind, verb = "Outbound", "to"
	}
	owner := m.owner()
	local := start.In(londonOr(time.UTC))
	m.add("Task", "", map[string]any{"Subject": fmt.Sprintf("%s Call at %s %s %s %s (%s)", kind, local.Format("15:04:05"), AgentZone, verb, c.phone, c.name),
		"Status": "Completed", "Priority": "Normal", "TaskSubtype": "Call", "Type": "Call", "CallType": kind, "CallDurationInSeconds": 20 + m.rng.IntN(600),
		"CallDisposition": pickOne(m.rng, []string{"Resolved", "Call back", "No answer", "Information given"}), "ActivityDate": local.Format(dayLayout),
		"WhoId": c.ref, "OwnerId": owner, "CreatedById": owner, "LastModifiedById": owner,
		"CreatedDate": formatMoment(start), "LastModifiedDate": formatMoment(start), "CompletedDateTime": formatMoment(start)})
}

func londonOr(fallback *time.Location) *time.Location {
	if zone, err := time.LoadLocation(AgentZone); err == nil {
		return zone
	}
	return fallback
}
