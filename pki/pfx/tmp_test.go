package pfx
import ("testing";"os";"encoding/json";"encoding/pem";"time";"bytes";"errors";"bufio"
"github.com/gosklyuch/gosklyuch/pki"
"github.com/gosklyuch/gosklyuch/pki/alg")
func TestTmpFix(t *testing.T){
 root:="/work/shared/fixtures/"
 raw,_:=os.ReadFile(root+"manifest.json")
 var m struct{Entries []struct{ID,File,Op,Expected,Reason string; Args struct{Match string; Password *string}}}
 if err:=json.Unmarshal(raw,&m);err!=nil{t.Fatal(err)}
 un:=func(b []byte)[]byte{ if i:=bytes.Index(b,[]byte("-----BEGIN"));i>=0 {p,_:=pem.Decode(b);return p.Bytes}; return b}
 n:=0
 for _,e:=range m.Entries{ if e.Op!="pfx"{continue}
  n++
  b,err:=os.ReadFile(root+e.File); if err!=nil{t.Error(err);continue}
  start:=time.Now()
  c,err:=Decode(b,[]byte(*e.Args.Password))
  got:="valid"
  if err==nil { if e.Args.Match!="" {
     cb,_:=os.ReadFile(root+e.Args.Match)
     cc,err2:=pki.ParseCertificate(un(cb)); if err2!=nil {t.Error(err2);continue}
	if c.Certificate==nil||!bytes.Equal(cc.Raw,c.Certificate.Raw){t.Error("cert")}
	t.Log(len(c.Chain),c.MAC,c.FriendlyName)
  }}
  if errors.Is(err,ErrPassword) {got="invalid"} else if err!=nil{got="error"}
  if got!=e.Expected { t.Errorf("%s: got %s want %s: %v",e.ID,got,e.Expected,err)} else {t.Logf("%s %v ok %v %v",e.ID,time.Since(start),err,e.Reason)}
 }
 t.Log(n)
}
func TestTmpCorpus(t *testing.T){
 f,_:=os.Open("/work/shared/corpus/INDEX.jsonl"); sc:=bufio.NewScanner(f); sc.Buffer(nil,1<<20)
 for sc.Scan(){ var e struct{Local,Pw,What string}; json.Unmarshal(sc.Bytes(),&e)
  if !bytes.Contains([]byte(e.Local),[]byte("07-pkcs12")){continue}
  b,_:=os.ReadFile("/work/shared/corpus/"+e.Local)
  pw:=e.Pw; if len(pw)>0&&pw[0]=='"'{pw=""}
  if bytes.HasSuffix([]byte(e.Local),[]byte(".txt")){continue}
  c,err:=ReadKeyFile(b,func()([]byte,error){return []byte(pw),nil})
  if err!=nil{t.Logf("%s ERR %v",e.Local,err);continue}
  t.Logf("%s %s mac=%s chain=%d cert=%v",e.Local,alg.KeyName(c.Key.Public()),c.MAC,len(c.Chain),c.Certificate!=nil)
 }
}
