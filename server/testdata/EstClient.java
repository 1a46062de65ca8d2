import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.KeyManagerFactory;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.est.CSRRequestResponse;
import org.bouncycastle.est.ESTAuth;
import org.bouncycastle.est.ESTException;
import org.bouncycastle.est.ESTService;
import org.bouncycastle.est.EnrollmentResponse;
import org.bouncycastle.est.jcajce.JcaHttpAuthBuilder;
import org.bouncycastle.est.jcajce.JcaJceUtils;
import org.bouncycastle.est.jcajce.JsseDefaultHostnameAuthorizer;
import org.bouncycastle.est.jcajce.JsseESTServiceBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/**
 * Enrols with Bouncy Castle's EST client: server, file with the server's
 * certificate, kind of key (EC or GOST), label. Each line of the output is what
 * one operation gave; after "waiting" a line is read before the same request is
 * sent again.
 */
public final class EstClient {
    private static X509Certificate trusted;
    private static String server;
    private static String label;

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        server = args[0];
        try (PEMParser p = new PEMParser(new FileReader(args[1]))) {
            trusted = new JcaX509CertificateConverter().getCertificate((X509CertificateHolder) p.readObject());
        }
        boolean gost = args[2].equals("GOST");
        label = args[3];
        ESTService anybody = service(null, null);
        X509CertificateHolder ca = anybody.getCACerts().getCertificateStore().getMatches(null).iterator().next();
        System.out.println("cacerts " + ca.getSubject());
        CSRRequestResponse attributes = anybody.getCSRAttributes();
        Set<String> wanted = new TreeSet<>();
        for (ASN1ObjectIdentifier id : attributes.getAttributesResponse().getRequirements()) {
            wanted.add(id.getId());
        }
        System.out.println("csrattrs " + wanted);
        ESTAuth password = new JcaHttpAuthBuilder("robot", "secret".toCharArray()).setProvider("BC").build();
        KeyPair first = pair(gost);
        X509CertificateHolder cert = enrol(anybody, false, request(first, gost), password, ca);
        System.out.println("enrolled " + cert.getSerialNumber().toString(16));
        if (!gost) {
            ESTService holder = service(first, cert);
            X509CertificateHolder same = enrol(holder, true, request(first, false), null, ca);
            System.out.println("renewed " + same.getSubjectPublicKeyInfo().equals(cert.getSubjectPublicKeyInfo()));
            X509CertificateHolder next = enrol(holder, true, request(pair(false), false), null, ca);
            System.out.println("rekeyed " + next.getSubjectPublicKeyInfo().equals(cert.getSubjectPublicKeyInfo()));
        }
        try {
            anybody.simpleEnroll(false, request(pair(gost), gost), new JcaHttpAuthBuilder("robot", "guess".toCharArray()).setProvider("BC").build());
            System.out.println("wrong password accepted");
        } catch (ESTException e) {
            System.out.println("refused " + e.getStatusCode());
        }
        System.exit(0);
    }

    private static ESTService service(KeyPair pair, X509CertificateHolder cert) throws Exception {
        JsseESTServiceBuilder b = new JsseESTServiceBuilder(
            server, JcaJceUtils.getCertPathTrustManager(Collections.singleton(new TrustAnchor(trusted, null)), null));
        if (pair != null) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("k", pair.getPrivate(), new char[0],
                new X509Certificate[] {new JcaX509CertificateConverter().getCertificate(cert)});
            b.withKeyManagers(JcaJceUtils.createKeyManagerFactory(
                KeyManagerFactory.getDefaultAlgorithm(), null, store, new char[0]).getKeyManagers());
        }
        b.withHostNameAuthorizer(new JsseDefaultHostnameAuthorizer(Collections.emptySet()));
        b.withLabel(label);
        return b.build();
    }

    private static KeyPair pair(boolean gost) throws Exception {
        KeyPairGenerator g = gost ? KeyPairGenerator.getInstance("ECGOST3410-2012", "BC") : KeyPairGenerator.getInstance("EC");
        g.initialize(new ECGenParameterSpec(gost ? "Tc26-Gost-3410-12-256-paramSetA" : "secp256r1"));
        return g.generateKeyPair();
    }

    private static PKCS10CertificationRequest request(KeyPair pair, boolean gost) throws Exception {
        return new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=machine"), pair.getPublic()).build(
            new JcaContentSignerBuilder(gost ? "GOST3411-2012-256WITHECGOST3410-2012-256" : "SHA256withECDSA").build(pair.getPrivate()));
    }

    /** Enrols, waiting for people where it has to, and checks the answer's signature. */
    private static X509CertificateHolder enrol(
        ESTService est, boolean again, PKCS10CertificationRequest csr, ESTAuth auth, X509CertificateHolder ca) throws Exception {
        EnrollmentResponse answer = est.simpleEnroll(again, csr, auth);
        if (!answer.isCompleted()) {
            System.out.println("waiting " + (answer.getNotBefore() > System.currentTimeMillis()));
            new BufferedReader(new InputStreamReader(System.in)).readLine();
            answer = est.simpleEnroll(again, csr, auth);
        }
        X509CertificateHolder cert = answer.getStore().getMatches(null).iterator().next();
        if (!cert.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(ca))) {
            throw new Exception("the certificate is not the authority's");
        }
        return cert;
    }
}
