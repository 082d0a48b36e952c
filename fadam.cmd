@echo off
rem Runs the command line of this checkout; builds it first if it is missing.
rem   set FADAM_LOG=debug        shows TensorFlow's own log and the build
rem   set JAVA_OPTS=-Xmx8g       passes options to Java
rem   rmdir /s /q examples\target  has it built anew after a change of the sources
setlocal
set "HOME_DIR=%~dp0"
set "MAIN=io.github.fadam.savedmodel.cli.FadamCommand"
set "CLASSPATH_FILE=%HOME_DIR%examples\target\classpath.txt"
set "STAMP=%HOME_DIR%examples\target\fadam.stamp"

if defined JAVA_HOME (
  set "JAVA=%JAVA_HOME%\bin\java.exe"
) else (
  set "JAVA=java.exe"
)
"%JAVA%" --version >nul 2>&1
if errorlevel 1 (
  echo fadam: Expected Java 17 or later, found none; install a JDK, or set JAVA_HOME. 1>&2
  exit /b 1
)
for /f "tokens=2 delims=. " %%v in ('""%JAVA%" --version"') do (
  set "VERSION=%%v"
  goto :versioned
)
:versioned
if %VERSION% LSS 17 (
  echo fadam: Expected Java 17 or later, found version %VERSION%; install a newer JDK, or set JAVA_HOME. 1>&2
  exit /b 1
)

if exist "%STAMP%" if exist "%CLASSPATH_FILE%" goto :run
echo fadam: building, once; this fetches TensorFlow, about 160 MB, and the first run unpacks 0.7 GB of it. 1>&2
set "QUIET=-q"
if "%FADAM_LOG%"=="debug" set "QUIET="
pushd "%HOME_DIR%"
call mvnw.cmd %QUIET% -B -Plauncher -pl examples -am package
if errorlevel 1 (
  popd
  echo fadam: The build failed; its output is above. Is this machine online? 1>&2
  exit /b 1
)
popd
echo built>"%STAMP%"

:run
set "SLF4J=warn"
if "%FADAM_LOG%"=="debug" (
  set "SLF4J=debug"
) else (
  if not defined TF_CPP_MIN_LOG_LEVEL set "TF_CPP_MIN_LOG_LEVEL=2"
)
set "NATIVE="
if %VERSION% GEQ 22 set "NATIVE=--enable-native-access=ALL-UNNAMED"
for /f "usebackq delims=" %%c in ("%CLASSPATH_FILE%") do set "CLASSPATH=%HOME_DIR%examples\target\classes;%%c"
"%JAVA%" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC %NATIVE% -Djava.awt.headless=true -Dorg.slf4j.simpleLogger.defaultLogLevel=%SLF4J% %JAVA_OPTS% "%MAIN%" %*
exit /b %ERRORLEVEL%
