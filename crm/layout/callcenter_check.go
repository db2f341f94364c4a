package layout

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"offhook/internal/text"
)

// Check says what Salesforce would refuse of a call centre, each in a line for the administrator; nothing when it is right. The
// rules are those of the call centre definition file (Open CTI Developer Guide). A Metadata file does not tell its internal name:
// give it with Named first.
func (c CallCenter) Check() []text.Text {
	k := &centreCheck{c: c}
	k.names()
	k.orders()
	k.values()
	return k.out
}

type centreCheck struct {
	c   CallCenter
	out []text.Text
}

func (k *centreCheck) say(format string, args ...any) {
	if len(k.out) < maxWarnings {
		k.out = append(k.out, text.Clean(fmt.Sprintf(format, args...)))
	}
}

// reserved words cannot be names.
var reserved = []string{"label", "sortOrder", "internalNameLabel", "displayNameLabel"}

func alphanumeric(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

func (k *centreCheck) name(what, s string) {
	switch {
	case !alphanumeric(s) || len(s) > 40:
		k.say("the %s name %q must be letters and digits, at most 40", what, s)
	case slices.Contains(reserved, s):
		k.say("the %s name %q is reserved by Salesforce: choose another", what, s)
	}
}

func (k *centreCheck) names() {
	var sections []string
	for _, s := range k.c.Sections {
		k.name("section", s.Name)
		if slices.Contains(sections, s.Name) {
			k.say("there are two sections with the name %s", s.Name)
		}
		sections = append(sections, s.Name)
		var items []string
		for _, it := range s.Items {
			k.name("item", it.Name)
			if slices.Contains(items, it.Name) {
				k.say("section %s has two items with the name %s", s.Name, it.Name)
			}
			items = append(items, it.Name)
		}
	}
}

// orders: sortOrder is consecutive from 0, in the file and in each section. Where none is written (Metadata), the order is the
// file's.
func (k *centreCheck) orders() {
	consecutive := func(where string, orders []int) {
		if slices.IndexFunc(orders, func(o int) bool { return o >= 0 }) < 0 {
			return
		}
		for i, o := range orders {
			if o != i {
				k.say("%s: sortOrder must go 0, 1, 2 … without gaps (number %d is missing or stands twice)", where, i)
				return
			}
		}
	}
	var all []int
	for _, s := range k.c.Sections {
		all = append(all, s.Order)
		var items []int
		for _, it := range s.Items {
			items = append(items, it.Order)
		}
		consecutive("section "+s.Name, items)
	}
	consecutive("the sections", all)
	for i, s := range k.c.Sections {
		if s.Name != generalSection {
			continue
		}
		if i != 0 {
			k.say("the section %s must be the first", generalSection)
		}
		for at, want := range []string{internalName, displayName} {
			if j := slices.IndexFunc(s.Items, func(it Item) bool { return it.Name == want }); j >= 0 && j != at {
				k.say("%s must have sortOrder %d", want, at)
			}
		}
	}
}

// required settings of a call centre.
var required = []string{internalName, displayName, adapterURL, "reqUseApi", "reqSoftphoneHeight", "reqSoftphoneWidth"}

func (k *centreCheck) values() {
	for _, name := range required {
		if k.c.Value(name) == "" {
			k.say("%s is missing: Salesforce needs it", name)
		}
	}
	if v := k.c.InternalName(); v != "" && (!alphanumeric(v) || len(v) > 40 || v[0] >= '0' && v[0] <= '9') {
		k.say("reqInternalName %q must be letters and digits, at most 40, and begin with a letter", v)
	}
	if n := len([]rune(k.c.Value(displayName))); n > 1000 {
		k.say("reqDisplayName has %d characters: at most 1,000", n)
	}
	k.address(adapterURL)
	k.address("reqStandbyUrl")
	k.size("reqSoftphoneHeight", 240, 2560)
	k.size("reqSoftphoneWidth", 200, 1920)
	k.size("reqTimeout", 0, 1<<30)
	k.oneOf("reqUseApi", "true", "false")
	k.oneOf("reqSalesforceCompatibilityMode", "Classic", "Lightning", "Classic_and_Lightning")
	if (k.c.Value("reqCanvasApiName") == "") != (k.c.Value("reqCanvasNamespace") == "") {
		k.say("reqCanvasApiName and reqCanvasNamespace belong together: give both or neither")
	}
	for _, name := range []string{outsidePrefix, longDistPrefix, worldPrefix} {
		if it, ok := k.c.item(dialingSection, name); ok && !Dials(strings.TrimSpace(it.Value.String())) {
			k.say("%s %q must be digits", name, it.Value)
		}
	}
}

func (k *centreCheck) address(name string) {
	v := k.c.Value(name)
	if v == "" {
		return
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" && !strings.HasPrefix(v, "/") || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" {
		k.say("%s %q must be a web address", name, v)
	}
}

func (k *centreCheck) size(name string, least, most int) {
	v := k.c.Value(name)
	if v == "" {
		return
	}
	if n, err := strconv.Atoi(v); err != nil || n < least || n > most {
		k.say("%s %q must be a whole number from %d to %d", name, v, least, most)
	}
}

func (k *centreCheck) oneOf(name string, values ...string) {
	if v := k.c.Value(name); v != "" && !slices.Contains(values, v) {
		k.say("%s %q must be one of: %s", name, v, strings.Join(values, ", "))
	}
}
