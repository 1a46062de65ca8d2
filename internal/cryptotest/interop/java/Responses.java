import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SignatureException;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.BasicOCSPRespBuilder;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReq;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.OCSPRespBuilder;
import org.bouncycastle.cert.ocsp.RespID;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/** OCSP responses. */
final class Responses {
    private Responses() {}

    private static DigestCalculatorProvider digests() throws Exception {
        return new JcaDigestCalculatorProviderBuilder().setProvider(Keys.PROVIDER).build();
    }

    private static DigestCalculator sha1() throws Exception {
        return digests().get(CertificateID.HASH_SHA1);
    }

    /** make-ocsp CERT ISSUER RESPONDER-CERT RESPONDER-KEY OUT: the certificate is good. */
    static String make(Peer.Arguments a) throws Exception {
        X509CertificateHolder c = Certificates.read(a);
        X509CertificateHolder issuer = Certificates.read(a);
        X509CertificateHolder responder = Certificates.read(a);
        Keys.Pair k = Certificates.readKey(a);
        Path out = a.file();
        Date now = new Date();
        var b = new BasicOCSPRespBuilder(new RespID(responder.getSubjectPublicKeyInfo(), sha1()));
        b.addResponse(new CertificateID(sha1(), issuer, c.getSerialNumber()), CertificateStatus.GOOD, now,
                Date.from(Instant.now().plus(Duration.ofDays(1))), null);
        BasicOCSPResp r = b.build(Keys.signer(k), new X509CertificateHolder[] {responder}, now);
        Files.write(out, new OCSPRespBuilder().build(OCSPRespBuilder.SUCCESSFUL, r).getEncoded());
        return "response";
    }

    /** verify-ocsp RESPONSE CERT ISSUER: signed by the issuer or by its delegate, and the certificate is good. */
    static String verify(Peer.Arguments a) throws Exception {
        var whole = new OCSPResp(a.der());
        if (whole.getStatus() != OCSPRespBuilder.SUCCESSFUL) {
            throw new SignatureException("status " + whole.getStatus());
        }
        var r = (BasicOCSPResp) whole.getResponseObject();
        X509CertificateHolder c = Certificates.read(a);
        X509CertificateHolder issuer = Certificates.read(a);
        if (!r.isSignatureValid(Certificates.verifier(responder(r, issuer)))) {
            throw new SignatureException("the response's signature is wrong");
        }
        for (SingleResp s : r.getResponses()) {
            boolean same = s.getCertID().getSerialNumber().equals(c.getSerialNumber());
            if (same && s.getCertID().matchesIssuer(issuer, digests()) && s.getCertStatus() == CertificateStatus.GOOD) {
                return "good";
            }
        }
        throw new SignatureException("no good answer about the certificate");
    }

    /**
     * ocsp-status RESPONSE CERT ISSUER [REQUEST]: what a response that is verified says about the certificate. With a
     * request its nonce must be repeated.
     */
    static String status(Peer.Arguments a) throws Exception {
        var whole = new OCSPResp(a.der());
        if (whole.getStatus() != OCSPRespBuilder.SUCCESSFUL) {
            throw new SignatureException("status " + whole.getStatus());
        }
        var r = (BasicOCSPResp) whole.getResponseObject();
        X509CertificateHolder c = Certificates.read(a);
        X509CertificateHolder issuer = Certificates.read(a);
        if (!r.isSignatureValid(Certificates.verifier(responder(r, issuer)))) {
            throw new SignatureException("the response's signature is wrong");
        }
        if (a.more()) {
            var nonce = OCSPObjectIdentifiers.id_pkix_ocsp_nonce;
            Extension asked = new OCSPReq(a.der()).getExtension(nonce);
            if (asked == null || !asked.equals(r.getExtension(nonce))) {
                throw new SignatureException("the nonce is not that of the request");
            }
        }
        Date now = new Date();
        for (SingleResp s : r.getResponses()) {
            if (!s.getCertID().getSerialNumber().equals(c.getSerialNumber()) || !s.getCertID().matchesIssuer(issuer, digests())) {
                continue;
            }
            if (now.before(s.getThisUpdate()) || now.after(s.getNextUpdate())) {
                throw new SignatureException("the answer is not in force");
            }
            return word(s.getCertStatus());
        }
        throw new SignatureException("no answer about the certificate");
    }

    private static String word(CertificateStatus s) {
        if (s == CertificateStatus.GOOD) {
            return "good";
        }
        if (s instanceof RevokedStatus) {
            var r = (RevokedStatus) s;
            return "revoked" + (r.hasRevocationReason() ? " " + Certificates.reason(r.getRevocationReason()) : "");
        }
        return "unknown";
    }

    /** RFC 6960, section 4.2.2.2: the CA itself, or a certificate that it issued directly for OCSP signing. */
    private static X509CertificateHolder responder(BasicOCSPResp r, X509CertificateHolder issuer) throws Exception {
        for (X509CertificateHolder c : r.getCerts()) {
            ExtendedKeyUsage use = ExtendedKeyUsage.fromExtensions(c.getExtensions());
            if (named(r, c) && use != null && use.hasKeyPurposeId(KeyPurposeId.id_kp_OCSPSigning)
                    && c.isSignatureValid(Certificates.verifier(issuer))) {
                return c;
            }
        }
        if (named(r, issuer)) {
            return issuer;
        }
        throw new SignatureException("the responder is not entitled");
    }

    private static boolean named(BasicOCSPResp r, X509CertificateHolder c) throws Exception {
        RespID id = r.getResponderId();
        return id.equals(new RespID(c.getSubject())) || id.equals(new RespID(c.getSubjectPublicKeyInfo(), sha1()));
    }
}
