package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
)

// furnish opens the org's store. A file that holds an org already keeps its records; a new one gets the data set.
func (s *Server) furnish(opt Options) error {
	s.auth = newAuth()
	var where rows = newMemory()
	if opt.File != "" {
		f, err := openFile(opt.File, newSchema(fullSettings()))
		if err != nil {
			return err
		}
		where = f
	}
	set := s.settings
	set.CallKey, set.Without = true, nil // the data may hold what the user cannot see
	s.store = newStore(newSchema(set), where, opt.Clock)
	err := s.fill(opt)
	if err == nil {
		_, err = s.store.commit()
	}
	if err != nil {
		return errors.Join(err, where.close())
	}
	return nil
}

func (s *Server) fill(opt Options) error {
	if was := s.store.recall("settings"); was != "" {
		if err := s.resume(was, opt); err != nil {
			return err
		}
	} else {
		data := opt.Data
		if data == nil {
			data = Practice(opt.Clock())
		}
		s.store.org = &s.settings
		if err := s.store.keepRecordTypes(&s.settings); err != nil {
			return err
		}
		if err := s.load(base(opt.Clock()), data); err != nil {
			return err
		}
	}
	return s.apply(s.settings)
}

// apply makes the org what its settings say, and notes them.
func (s *Server) apply(set Settings) error {
	s.settings = set
	s.store.org = &s.settings
	s.store.adopt(newSchema(set))
	if err := s.store.keepRecordTypes(&s.settings); err != nil {
		return err
	}
	text, err := json.Marshal(set)
	if err != nil {
		return err
	}
	s.store.remember("settings", string(text))
	return nil
}

// resume takes up the settings of a file, with what the options say beside them.
func (s *Server) resume(was string, opt Options) error {
	set := s.settings
	if err := json.Unmarshal([]byte(was), &set); err != nil {
		return fmt.Errorf("the settings in the data file cannot be read: %w", err)
	}
	if opt.PhoneSearch != "" {
		set.PhoneSearch = opt.PhoneSearch
	}
	if opt.RecordTypes != nil {
		set.RecordTypes = opt.RecordTypes
	}
	if opt.Without != nil {
		set.Without = opt.Without
	}
	set.CallKey = set.CallKey && !opt.NoCallKey
	set.PersonAccounts = set.PersonAccounts || opt.PersonAccounts
	set.RotateRefreshTokens = set.RotateRefreshTokens || opt.Rotate
	s.settings = set
	return s.settings.check()
}
