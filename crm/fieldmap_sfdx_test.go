package crm

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"offhook/crm/emulator"
)

const metadata = "../docs/salesforce/force-app/main/default"

// customField is what a field's metadata file says.
type customField struct {
	XMLName    xml.Name `xml:"http://soap.sforce.com/2006/04/metadata CustomField"`
	FullName   string   `xml:"fullName"`
	Label      string   `xml:"label"`
	Type       string   `xml:"type"`
	Length     int      `xml:"length"`
	Precision  int      `xml:"precision"`
	Required   bool     `xml:"required"`
	ExternalID bool     `xml:"externalId"`
	Unique     bool     `xml:"unique"`
}

func readXML(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b, into); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// shippedFields are the fields that docs/salesforce installs, by API name.
func shippedFields(t *testing.T) map[string]customField {
	t.Helper()
	files, err := filepath.Glob(metadata + "/objects/Activity/fields/*.field-meta.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out := map[string]customField{}
	for _, path := range files {
		var f customField
		readXML(t, path, &f)
		if filepath.Base(path) != f.FullName+".field-meta.xml" {
			t.Errorf("%s describes %s", path, f.FullName)
		}
		out[f.FullName] = f
	}
	return out
}

func TestTheMetadataOfTheFieldsIsDeployable(t *testing.T) {
	for name, f := range shippedFields(t) {
		if n := strings.TrimSuffix(name, "__c"); n == name || len(n) > 40 || strings.Contains(n, "__") || strings.HasSuffix(n, "_") || !fieldName(n) {
			t.Errorf("%s is no name for a custom field", name)
		}
		if f.Label == "" || len(f.Label) > 40 || f.Required {
			t.Errorf("%s: label %q, required %v", name, f.Label, f.Required)
		}
		switch {
		case f.Type == "Text" && f.Length >= 1 && f.Length <= 255, f.Type == "Number" && f.Precision >= 1 && f.Precision <= 18, f.Type == "DateTime":
		default:
			t.Errorf("%s: %s of length %d, precision %d", name, f.Type, f.Length, f.Precision)
		}
		if key := name == KeyField; f.ExternalID != key || f.Unique != key {
			t.Errorf("%s: external id %v, unique %v", name, f.ExternalID, f.Unique)
		}
	}
}

func TestTheDefaultMapAndTheMetadataNameTheSameFields(t *testing.T) {
	want := []string{KeyField}
	for _, m := range DefaultFieldMap() {
		want = append(want, m.Field)
	}
	slices.Sort(want)
	var have []string
	for name := range shippedFields(t) {
		have = append(have, name)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("installed\n%v\nfilled\n%v", have, want)
	}
	if len(slices.Compact(slices.Clone(want))) != len(want) || len(want) != 20 {
		t.Errorf("%d fields", len(want))
	}

	var set struct {
		Fields []struct {
			Field    string `xml:"field"`
			Editable bool   `xml:"editable"`
			Readable bool   `xml:"readable"`
		} `xml:"fieldPermissions"`
	}
	readXML(t, metadata+"/permissionsets/Offhook_Agent.permissionset-meta.xml", &set)
	var granted []string
	for _, f := range set.Fields {
		if !f.Editable || !f.Readable {
			t.Errorf("%s cannot be written", f.Field)
		}
		granted = append(granted, strings.TrimPrefix(f.Field, "Task."))
	}
	slices.Sort(granted)
	if !slices.Equal(granted, want) {
		t.Errorf("granted %v", granted)
	}

	var pkg struct {
		Types []struct {
			Members []string `xml:"members"`
			Name    string   `xml:"name"`
		} `xml:"types"`
	}
	readXML(t, "../docs/salesforce/manifest/package.xml", &pkg)
	var listed []string
	for _, m := range pkg.Types[0].Members {
		listed = append(listed, strings.TrimPrefix(m, "Activity."))
	}
	slices.Sort(listed)
	if !slices.Equal(listed, want) {
		t.Errorf("listed %v", listed)
	}
}

func TestThePracticeOrgHasTheFieldsAsTheyAreInstalled(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	d, err := w.SF.Describe(t.Context(), "Task")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"Text": "string", "Number": "double", "DateTime": "datetime"}
	for name, f := range shippedFields(t) {
		if got, ok := d.Field(name); !ok || got.Label != f.Label || got.Type != types[f.Type] || f.Type == "Text" && got.Length != f.Length {
			t.Errorf("%s: %+v, not %s(%d) %s", name, got, f.Type, f.Length, f.Label)
		}
	}
}
