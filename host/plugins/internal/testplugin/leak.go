package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// secrets holds the secrets of all instances that this process has had.
var secrets struct {
	sync.Mutex
	all []string
}

// leak writes the secrets to an error or to the output. how says where.
func leak(how string, log hclog.Logger) error {
	secrets.Lock()
	all := strings.Join(secrets.all, " and ")
	own := secrets.all[0]
	secrets.Unlock()
	switch how {
	case "error":
		return fmt.Errorf("calling %q: 403", "https://h/?key="+url.QueryEscape(all))
	case "fault":
		return fault.New(fault.Forbidden, "the key %q is not known", all).At("options", own)
	case "long": // the host shortens the message within the last secret
		return fault.New(fault.ProviderFailed, "%s%s", strings.Repeat("x", 4090-len(own)), own+own)
	case "stderr":
		fmt.Fprintln(os.Stderr, "plain", all)
		fmt.Fprintln(os.Stderr, "two lines", own[:len(own)/2])
		fmt.Fprintln(os.Stderr, own[len(own)/2:], "is the rest")
		fmt.Fprintln(os.Stderr, "long "+strings.Repeat("x", 16<<10-20-len(own)/2)+own)
		fmt.Fprintln(os.Stderr, `{"@message":1,"broken":"`+own)
		log.Error("an entry "+own, "field", all, own, "name", "list", []string{own}, "error", errors.New(own))
		log.Warn("encoded", "basic", base64.StdEncoding.EncodeToString([]byte("user:"+own)), "hex", fmt.Sprintf("%x", own))
		fmt.Fprintln(os.Stdout, "on stdout", all)
		time.Sleep(100 * time.Millisecond) // stdout and stderr arrive in no fixed order
		fmt.Fprintln(os.Stderr, "that was all")
		return nil
	case "panic":
		go panic("the key " + all)
		select {}
	}
	return nil
}
