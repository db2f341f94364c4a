package config

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

func row(value, field string) Row { return Row{{"value", value}, {"field", field}} }

func TestALineOfAListIsChangedAndEveryOtherByteStays(t *testing.T) {
	for name, tt := range map[string]struct {
		raw, want string
		c         Change
	}{
		"an empty file":        {"", "[record]\nmap = [\n  { value = \"a\", field = \"b\" },\n]\n", Change{Add: []Row{row("a", "b")}}},
		"no section":           {"[sip]\nx = 1 # one", "[sip]\nx = 1 # one\n\n[record]\nmap = [\n  { value = \"a\", field = \"b\" },\n]\n", Change{Add: []Row{row("a", "b")}}},
		"a section without it": {"[record]\nzone = \"id\" # mine\n\n# about calls\n[sip]\n", "[record]\nzone = \"id\" # mine\nmap = [\n  { value = \"a\", field = \"b\" },\n]\n\n# about calls\n[sip]\n", Change{Add: []Row{row("a", "b")}}},
		"a commented default":  {"[record]\n#zone = \"\"\n#map = [] # what goes where\n#owners = []\n[ui]\n", "[record]\n#zone = \"\"\n#map = [] # what goes where\nmap = [\n  { value = \"a\", field = \"b\" },\n]\n#owners = []\n[ui]\n", Change{Add: []Row{row("a", "b")}}},
		"dotted keys":          {"record.zone = \"id\"\n[sip]\n", "record.zone = \"id\"\nrecord.map = [\n  { value = \"a\", field = \"b\" },\n]\n[sip]\n", Change{Add: []Row{row("a", "b")}}},
		"an empty list":        {"[record]\nmap = [ ] # none\n", "[record]\nmap = [\n  { value = \"a\", field = \"b\" },\n] # none\n", Change{Add: []Row{row("a", "b")}}},
		"a list on one line":   {"[record]\nmap = [{value=\"x\",field=\"X\"}]\n", "[record]\nmap = [{value=\"x\",field=\"X\"}, { value = \"a\", field = \"b\" }]\n", Change{Add: []Row{row("a", "b")}}},
		"a list of lines, without the last comma": {"[record]\nmap = [ # all\n\t{value=\"x\",field=\"X\"} # ], the x\n\t# and so on\n]\n",
			"[record]\nmap = [ # all\n\t{value=\"x\",field=\"X\"}, # ], the x\n\t# and so on\n\t{ value = \"a\", field = \"b\" },\n]\n", Change{Add: []Row{row("a", "b")}}},
		"a comment in an empty list": {"[record]\nmap = [\n  # nothing yet\n]\n", "[record]\nmap = [\n  # nothing yet\n  { value = \"a\", field = \"b\" },\n]\n", Change{Add: []Row{row("a", "b")}}},
		"blocks": {"[[record.map]] # first\nvalue = \"x\"\nfield = 'X' # why\n\n[sip]\n",
			"[[record.map]] # first\nvalue = \"x\"\nfield = 'X' # why\n\n[[record.map]]\nvalue = \"a\"\nfield = \"b\"\n\n[sip]\n", Change{Add: []Row{row("a", "b")}}},
		"a block without an end of line": {"[[record.map]]\nvalue = \"x\"", "[[record.map]]\nvalue = \"x\"\n\n[[record.map]]\nvalue = \"a\"\nfield = \"b\"\n", Change{Add: []Row{row("a", "b")}}},
		"DOS line ends":                  {"[record]\r\nmap = []\r\n", "[record]\r\nmap = [\r\n  { value = \"a\", field = \"b\" },\r\n]\r\n", Change{Add: []Row{row("a", "b")}}},
		"quotes and signs":               {"[record]\nmap = []\n", "[record]\nmap = [\n  { value = \"a\\\"\\\\\\u0009é\", field = \"\" },\n]\n", Change{Add: []Row{row("a\"\\\té", "")}}},
		"keys in quotes, a profile and a text that look like it": {"[profile.x.record]\nmap = []\n[ 'record' ] # mine\ntext = \"\"\"\n[record]\nmap = [1]\n\"\"\"\n\"map\" = []\n",
			"[profile.x.record]\nmap = []\n[ 'record' ] # mine\ntext = \"\"\"\n[record]\nmap = [1]\n\"\"\"\n\"map\" = [\n  { value = \"a\", field = \"b\" },\n]\n", Change{Add: []Row{row("a", "b")}}},
		"a line that is replaced keeps its comment": {"[record]\nmap = [\n  {value=\"x\",field=\"X\"}, # the x\n  {value=\"y\",field=\"Y\"}, # the y\n]\n",
			"[record]\nmap = [\n  { value = \"x\", field = \"Z\" }, # the x\n  {value=\"y\",field=\"Y\"}, # the y\n]\n", Change{Replace: map[int]Row{0: row("x", "Z")}}},
		"a block that is replaced keeps its comments": {"[[record.map]]\n# what\nfield = \"X\" # where\nvalue = 'x' # what it is\n", "[[record.map]]\n# what\nfield = \"Z\" # where\nvalue = \"x\" # what it is\n", Change{Replace: map[int]Row{0: row("x", "Z")}}},
		"a block gets what it lacks":                  {"[[record.map]]\nvalue = 'x'\n", "[[record.map]]\nfield = \"Z\"\nvalue = \"x\"\n", Change{Replace: map[int]Row{0: row("x", "Z")}}},
		"a line that is dropped takes its comment along": {"[record]\nmap = [\n  # first\n  {value=\"x\",field=\"X\"}, # the x\n  {value=\"y\",field=\"Y\"} # the y\n]\n",
			"[record]\nmap = [\n  # first\n  {value=\"y\",field=\"Y\"} # the y\n]\n", Change{Drop: []int{0}}},
		"the last line is dropped": {"[record]\nmap = [\n  {value=\"x\",field=\"X\"}, # the x\n  {value=\"y\",field=\"Y\"} # the y\n]\n", "[record]\nmap = [\n  {value=\"x\",field=\"X\"}, # the x\n]\n", Change{Drop: []int{1}}},
		"one of a line":            {"[record]\nmap = [{value=\"x\",field=\"X\"}, {value=\"y\",field=\"Y\"}, {value=\"z\",field=\"Z\"}] # c\n", "[record]\nmap = [{value=\"y\",field=\"Y\"}] # c\n", Change{Drop: []int{0, 2}}},
		"all":                      {"[record]\nmap = [\n {value=\"x\",field=\"X\"},\n]\nzone = \"id\"\n", "[record]\nmap = [\n]\nzone = \"id\"\n", Change{Drop: []int{0}}},
		"a comma on its own":       {"[record]\nmap = [\n {value=\"x\",field=\"X\"} # x\n , {value=\"y\",field=\"Y\"}\n]\n", "[record]\nmap = [\n  {value=\"y\",field=\"Y\"}\n]\n", Change{Drop: []int{0}}},
		"the only block":           {"# a\n[[record.map]]\nvalue = \"x\"\n# b\n", "# a\n# b\n", Change{Drop: []int{0}}},
		"all at once": {"[record]\nmap = [\n {value=\"x\",field=\"X\"}, # x\n {value=\"y\",field=\"Y\"},\n]\n", "[record]\nmap = [\n { value = \"x\", field = \"1\" }, # x\n { value = \"z\", field = \"3\" },\n]\n",
			Change{Replace: map[int]Row{0: row("x", "1")}, Drop: []int{1}, Add: []Row{row("z", "3")}}},
	} {
		got, err := edit(tt.raw, "record", "map", tt.c)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, tt.want)
		}
	}
}

func TestWhatCannotBeChangedSafelyIsLeftToAPerson(t *testing.T) {
	for _, raw := range []string{"record = { zone = \"id\" }\n", "record = 1\n", "[record]\nmap = \"x\"\n", "[record]\nmap = [\n", "[[record]]\nmap = []\n"} {
		if got, err := edit(raw, "record", "map", Change{Add: []Row{row("a", "b")}}); err == nil {
			t.Errorf("%q became %q", raw, got)
		}
	}
}

// commented is a file as people keep it.
const commented = "# mine\n[sip]\nregistrar = \"\" # none\n\n[record]  # what is written\nzone = 'id'\nmap = [ # by Billie\n  { value = \"Agent ID\", field = \"CTI_Agent__c\" },   # who\n\n  # why it ended: nobody reads it\n  { value = \"Reason\", field = \"\" },\n]\n# the end\n"

func TestTheFileIsWrittenWholeWithItsModeAndThroughALink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "dotfiles.toml"), filepath.Join(dir, "config.toml")
	if err := os.WriteFile(real, []byte(commented), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	edited := func(c Change) string {
		t.Helper()
		l, err := Load(Source{File: link, system: filepath.Join(dir, "none")})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Edit("record.map", c); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(real)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	after := edited(Change{Add: []Row{row("Notes", "Notes__c")}})
	if want := strings.Replace(commented, "\"\" },\n]", "\"\" },\n  { value = \"Notes\", field = \"Notes__c\" },\n]", 1); after != want {
		t.Errorf("%s", after)
	}
	if after := edited(Change{Drop: []int{2}}); after != commented {
		t.Errorf("adding and dropping a line changed something else:\n%s", after)
	}
	st, err := os.Stat(real)
	if err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", st.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("something was left behind: %v", left)
	}
}

func TestAFileThatSomebodyElseChangedMeanwhileIsLeftAsItIs(t *testing.T) {
	l, err := load(t, commented, Source{})
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Replace(commented, "CTI_Agent__c", "Other__c", 1)
	if err := os.WriteFile(l.Path, []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Edit("record.map", Change{Drop: []int{0}}); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Error(err)
	}
	if raw, _ := os.ReadFile(l.Path); string(raw) != theirs {
		t.Errorf("%s", raw)
	}
}

func TestALockedListAndOneOfALaterLayerAreNotChanged(t *testing.T) {
	c := Change{Add: []Row{row("Notes", "Notes__c")}}
	for name, tt := range map[string]struct {
		system, body, want string
		src                Source
	}{
		"a lock":          {system: "locked = [\"record.*\"]\n", want: "locked in"},
		"a profile":       {body: "[profile.x.record]\nmap = []\n", src: Source{Profile: "x"}, want: "[profile.x.record]"},
		"the own profile": {body: "[profile.default.record]\nmap = []\n", want: "[profile.default.record]"},
	} {
		l, err := under(t, tt.system, tt.body, "", tt.src)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(l.Path)
		if err := l.Edit("record.map", c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(l.Path); string(after) != string(before) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestTheAdministratorsLinesAreTakenOverIntoTheUsersList(t *testing.T) {
	l, err := under(t, "[record]\nmap = [{field = \"CTI_Agent__c\", value = \"Agent ID\"}]\n", "", "", Source{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Edit("record.map", Change{Add: []Row{row("Notes", "Notes__c")}}); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(l.Path)
	if want := "[record]\nmap = [\n  { value = \"Agent ID\", field = \"CTI_Agent__c\" },\n  { value = \"Notes\", field = \"Notes__c\" },\n]\n"; !strings.HasSuffix(string(raw), want) {
		t.Errorf("%s", raw)
	}
}

func TestAnObjectNameThatCannotExistIsOneLine(t *testing.T) {
	for name, fine := range map[string]bool{"Contact": true, "Machine__c": true, "acme__Machine__c": true, "A1_b": true,
		"": false, "Con tact": false, "Contact;": false, "1st__c": false, "Machine_": false, "a___b": false, "Käse__c": false, "_x": false, strings.Repeat("a", 81): false} {
		_, err := load(t, "[sip]\nregistrar = \"\"\n[salesforce]\nscan = [\"Lead\", \""+name+"\"]\n", Source{})
		if fine != (err == nil) {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "salesforce.scan: ")) {
			t.Error(err)
		}
	}
}

func TestAnEmptyChoiceIsCalledNothing(t *testing.T) {
	var b strings.Builder
	if err := Defaults().Explain(&b, "create.preset"); err != nil || !strings.Contains(b.String(), "one of    \"\" (nothing), sales, support\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// subsequence reports whether all bytes of a stand in b, in their order.
func subsequence(a, b string) bool {
	i := 0
	for j := 0; j < len(b) && i < len(a); j++ {
		if a[i] == b[j] {
			i++
		}
	}
	return i == len(a)
}

func FuzzEdit(f *testing.F) {
	for _, s := range []string{"", commented, good, "[[record.map]]\nvalue = 'x'\n[a]\n", "record.zone = 1\n", "[record]\nmap=[{},\n\n#\n{value='''\n]'''}#\n,]", "[record]\r\nmap=[]"} {
		f.Add(s, "Agent ID", "Field__c")
	}
	f.Fuzz(func(t *testing.T, raw, value, field string) {
		value, field = strings.ToValidUTF8(value, ""), strings.ToValidUTF8(field, "")
		before := map[string]any{}
		if toml.Unmarshal([]byte(raw), &before) != nil {
			return
		}
		list, err := listOf(before, "record", "map")
		if err != nil {
			return
		}
		more, err := edit(raw, "record", "map", Change{Add: []Row{row(value, field)}})
		if err != nil {
			return // left to a person
		}
		if !subsequence(raw, more) && !subsequence(strings.ReplaceAll(raw, " ", ""), more) { // [ ] becomes a list of lines
			t.Fatalf("adding lost something of\n%q\nin\n%q", raw, more)
		}
		other, err := edit(more, "record", "map", Change{Replace: map[int]Row{len(list): row(field, value)}})
		if err != nil {
			t.Fatalf("what was written cannot be changed: %v\n%q", err, more)
		}
		back, err := edit(other, "record", "map", Change{Drop: []int{len(list)}})
		if err != nil {
			t.Fatalf("what was written cannot be taken away: %v\n%q", err, other)
		}
		if !subsequence(back, more) && !subsequence(back, other) {
			t.Fatalf("dropping made something up:\n%q\nof\n%q", back, other)
		}
		after := map[string]any{}
		if err := toml.Unmarshal([]byte(back), &after); err != nil {
			t.Fatal(err)
		}
		now, _ := listOf(after, "record", "map")
		if len(now) != len(list) || len(list) > 0 && !reflect.DeepEqual(now, list) {
			t.Fatalf("%v became %v", list, now)
		}
		for _, all := range []map[string]any{before, after} {
			if r, ok := all["record"].(map[string]any); ok {
				if delete(r, "map"); len(r) == 0 {
					delete(all, "record")
				}
			}
		}
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("something else changed: %v %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
		}
	})
}
