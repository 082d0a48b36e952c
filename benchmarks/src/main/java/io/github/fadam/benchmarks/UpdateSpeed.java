package io.github.fadam.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Times updates of whole sets of variables beside TensorFlow's own fused Adam and beside what
 * memory allows.
 *
 * <p>All contestants of a set update variables in one process, one after the other, round by round:
 * a slow moment of the machine slows all of a round. What is printed are medians over the rounds,
 * of milliseconds and of the ratios within a round.
 */
@Command(name = "UpdateSpeed", mixinStandardHelpOptions = true)
public final class UpdateSpeed implements Callable<Integer> {

  private static final int WARM_UP = 2;

  /** Enough for a median. */
  private static final int LEAST_ROUNDS = 3;

  /** Of the memory that is free before a set, what it may take. */
  private static final double SHARE_OF_MEMORY = 0.8;

  private enum ElementType {
    FLOAT32(TFloat32.class),
    FLOAT64(TFloat64.class),
    BFLOAT16(TBfloat16.class);

    private final Class<? extends TNumber> type;

    ElementType(Class<? extends TNumber> type) {
      this.type = type;
    }
  }

  @Parameters(paramLabel = "SET", description = "Of ${COMPLETION-CANDIDATES}; MATRICES by default.")
  private List<VariableSet> sets = List.of(VariableSet.MATRICES);

  @Option(names = "--type", split = ",", description = "FLOAT32 by default, FLOAT64, BFLOAT16.")
  private List<ElementType> types = List.of(ElementType.FLOAT32);

  @Option(names = "--contestants", split = ",", description = "Of ${COMPLETION-CANDIDATES}.")
  private List<Contestant> contestants =
      List.of(
          Contestant.FADAM_NATIVE, Contestant.FADAFACTOR_NATIVE, Contestant.RESOURCE_APPLY_ADAM);

  @Option(names = "--rounds", description = "Rounds of a set, ${DEFAULT-VALUE} by default.")
  private int rounds = 15;

  @Option(
      names = "--seconds",
      description = "Time for a set's rounds, ${DEFAULT-VALUE} by default.")
  private double seconds = 25;

  @Option(names = "--out", description = "Add the figures to those of this JSON file.")
  private Path out;

  /** Without defaults other than those of the options. */
  public UpdateSpeed() {}

  /**
   * Measures.
   *
   * @param arguments names of sets and options, see {@code --help}
   */
  public static void main(String[] arguments) {
    // JavaCPP would stop at twice the heap's limit, whatever the machine has.
    System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    System.exit(
        new CommandLine(new UpdateSpeed())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .execute(arguments));
  }

  @Override
  public Integer call() throws ExecutionException, InterruptedException, IOException {
    ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    List<UpdateTime> times = new ArrayList<>();
    if (out != null && Files.exists(out)) {
      times.addAll(List.of(json.readValue(out.toFile(), UpdateTime[].class)));
    }
    System.out.println(
        "| variables | type | contestant | ms | least | of memory's time | of ten streams' |"
            + " of ResourceApplyAdam's |");
    System.out.println("| --- | --- | --- | --- | --- | --- | --- | --- |");
    try (MemoryStreams memory = new MemoryStreams()) {
      for (VariableSet set : sets) {
        for (ElementType type : types) {
          List<UpdateTime> found = measure(set, type, memory);
          found.forEach(UpdateSpeed::print);
          times.removeIf(old -> found.stream().anyMatch(time -> isSame(old, time)));
          times.addAll(found);
          if (out != null) {
            json.writeValue(out.toFile(), times);
          }
        }
      }
    }
    return 0;
  }

  private static boolean isSame(UpdateTime a, UpdateTime b) {
    return a.set() == b.set() && a.type().equals(b.type()) && a.contestant() == b.contestant();
  }

  private static void print(UpdateTime time) {
    System.out.printf(
        Locale.ROOT,
        "| %s | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f |%n",
        time.set(),
        time.type(),
        time.contestant().label(),
        time.median(),
        time.least(),
        time.ofMemory(),
        time.ofTenStreams(),
        time.ofAdam());
  }

  /** Leaves out what memory has no room for, from the end. */
  private List<Contestant> fitting(VariableSet set, int bytes) throws IOException {
    double room = SHARE_OF_MEMORY * freeMemory() / ((double) set.elements() * bytes) - 2;
    List<Contestant> fitting = new ArrayList<>();
    for (Contestant contestant : contestants) {
      room -= contestant.copies();
      if (room < 0) {
        System.err.printf("%s: no memory for %s%n", set, contestant.label());
        break;
      }
      fitting.add(contestant);
    }
    return fitting;
  }

  private static double freeMemory() throws IOException {
    return 1024
        * Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .filter(line -> line.startsWith("MemAvailable:"))
            .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")))
            .findFirst()
            .orElseThrow();
  }

  private List<UpdateTime> measure(VariableSet set, ElementType type, MemoryStreams memory)
      throws ExecutionException, InterruptedException, IOException {
    List<Contestant> running = fitting(set, type == ElementType.FLOAT64 ? 8 : 4);
    Map<Contestant, List<Double>> times = new EnumMap<>(Contestant.class);
    running.forEach(contestant -> times.put(contestant, new ArrayList<>()));
    List<Double> streams = new ArrayList<>();
    try (UpdateContest contest = new UpdateContest(set, type.type, running)) {
      for (int i = 0; i < WARM_UP; i++) {
        running.forEach(contest::milliseconds);
        memory.milliseconds();
      }
      long end = System.nanoTime() + (long) (seconds * 1e9);
      for (int round = 0;
          round < rounds && (round < LEAST_ROUNDS || System.nanoTime() < end);
          round++) {
        streams.add(memory.milliseconds() * set.elements() / MemoryStreams.ELEMENTS);
        running.forEach(contestant -> times.get(contestant).add(contest.milliseconds(contestant)));
      }
    }
    double[] tenStreams = array(streams);
    double[] adam = array(times.getOrDefault(Contestant.RESOURCE_APPLY_ADAM, List.of()));
    List<UpdateTime> found = new ArrayList<>();
    for (Contestant contestant : running) {
      double[] own = array(times.get(contestant));
      int bytes = contestant.bytes(type.type);
      double ofTenStreams = median(ratios(own, tenStreams));
      found.add(
          new UpdateTime(
              set,
              set.label(),
              set.elements(),
              type.name().toLowerCase(Locale.ROOT),
              contestant,
              median(own),
              Arrays.stream(own).min().orElseThrow(),
              bytes,
              ofTenStreams * MemoryStreams.BYTES / bytes,
              ofTenStreams,
              adam.length == 0 ? 0 : median(ratios(own, adam)),
              MemoryStreams.BYTES * (double) set.elements() / median(tenStreams) / 1e6,
              own.length));
    }
    return found;
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static double[] ratios(double[] a, double[] b) {
    double[] ratios = new double[a.length];
    Arrays.setAll(ratios, i -> a[i] / b[i]);
    return ratios;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
