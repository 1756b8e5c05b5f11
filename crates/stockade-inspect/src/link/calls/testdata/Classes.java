// Compiled with `javac --release 8 -g:none Classes.java`; each class is beside this, in hexadecimal.

class Start { void begin() throws Exception { new Middle().run(); } }
class Middle { Middle() throws Exception { Other.f(); } void run() throws Exception { End.f(() -> { }); } static void idle() throws Exception { End.g(); } }
class End { static void f(Runnable back) throws Exception { new ProcessBuilder("collect").start(); back.run(); } static void g() throws Exception { new java.io.FileOutputStream("collect").close(); } }
class Other { static void f() throws Exception { Runtime.getRuntime().exec("collect"); } }
